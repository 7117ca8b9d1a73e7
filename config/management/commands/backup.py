"""``manage.py backup FILE``: the database and its files in one archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.operating.backup import BackupFailed, back_up


class Command(BaseCommand):
    help = "Write the database and the files it points at into one archive, while Headrace runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, help="The archive to write, for example headrace.tar.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and say what must be kept beside it."""
        try:
            made = back_up(options["file"], self.stdout.write)
        except BackupFailed as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{options['file']}: {made.files:,} files, {made.bytes:,} bytes of them.")
        self.stdout.write("Keep HEADRACE_SECRET_KEYS apart from it: without a key its credentials cannot be read.")
