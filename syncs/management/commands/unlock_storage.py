"""``manage.py unlock_storage SLUG``: let a workspace move its storage although runs have used it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import HeadraceError
from governance.audit.actors import system
from syncs.services.storage import unlock_storage, workspace_named
from workspaces.scoping import workspace_scope


class Command(BaseCommand):
    help = (
        "Let the storage of a workspace be changed once although runs have used it. Syncs that compare with files of "
        "the old bucket find them missing afterwards: their next run is held before it sends every row again. Copy the "
        "old prefix into the new bucket first, and nothing is held."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which workspace."""
        parser.add_argument("workspace", help="the workspace's address, as in /acme/")

    def handle(self, *args: Any, **options: Any) -> None:
        """Unlock it; the change itself is made on the page, which tests the new bucket."""
        workspace = workspace_named(options["workspace"])
        if workspace is None:
            raise CommandError(f"There is no workspace “{options['workspace']}”.")
        with workspace_scope(workspace.pk):
            try:
                own = unlock_storage(actor=system("manage.py unlock_storage"))
            except HeadraceError as error:
                raise CommandError(f"{error.message} {error.hint}") from None
        self.stdout.write(f"{own.url} is unlocked until the next run begins. Change it under Settings, Storage.")
