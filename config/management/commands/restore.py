"""``manage.py restore FILE``: a backup, into an empty installation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.operating.backup import BackupFailed
from config.operating.restore import restore


class Command(BaseCommand):
    help = "Bring a backup back into an empty database, and its schema up to this version."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("file", type=Path, help="An archive that manage.py backup wrote.")
        parser.add_argument(
            "--without-keys", action="store_true", help="Restore although no configured key reads its credentials."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, and say what comes next."""
        try:
            manifest = restore(options["file"], self.stdout.write, without_keys=options["without_keys"])
        except BackupFailed as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Restored what was there on {manifest.made_at[:16].replace('T', ' ')} UTC.")
        self.stdout.write("Do not let two installations run from the same state: both would send.")
