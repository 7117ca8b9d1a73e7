"""``manage.py new_destination NAME``: the files that a new destination begins with."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import HeadraceError
from connectors.scaffold import CHECKOUT, write_destination


class Command(BaseCommand):
    help = "Write the files that a new destination begins with: code, a test case, a page of the docs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="its key: lower-case letters, digits and _")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write them, and say what to do next."""
        try:
            written = write_destination(CHECKOUT, options["name"])
        except HeadraceError as error:
            raise CommandError(error.message) from error
        call_command("build_catalog")
        for path in written:
            self.stdout.write(f"Wrote {path.relative_to(CHECKOUT)}.")
        self.stdout.write("Next: docs/connectors/tutorial.md.")
