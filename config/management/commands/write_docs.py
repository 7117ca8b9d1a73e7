"""``manage.py write_docs``: write the generated pages of ``docs/reference/``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.reference import CHECKOUT, pages


class Command(BaseCommand):
    help = "Write the generated pages of docs/reference/ anew, or with --check say which are out of date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write what differs."""
        stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text() != text}
        if options["check"] and stale:
            names = ", ".join(str(path.relative_to(CHECKOUT)) for path in stale)
            raise CommandError(f"Out of date: {names}. Run `make docs`.")
        for path, text in stale.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            self.stdout.write(f"Wrote {path.relative_to(CHECKOUT)}.")
