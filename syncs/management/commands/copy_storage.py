"""``manage.py copy_storage SLUG``: copy a workspace's files to another bucket, and compare them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import HeadraceError
from connectors import clouds
from governance.audit.actors import system
from syncs.engine.errors import EngineError
from syncs.services.storage import workspace_named
from syncs.services.storage_copy import copy_storage
from syncs.storage_fields import MANAGED
from workspaces.scoping import workspace_scope

PLACE = ("bucket", "container", "prefix", "region", "project", "account")


class Command(BaseCommand):
    help = (
        "Copy every file below the bucket and prefix of a workspace to another place, and compare each as it reads "
        "back. Nothing moves: afterwards run unlock_storage, and choose the new place under Settings, Storage. May be "
        "run again; what arrived is not sent twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which workspace, and where to."""
        parser.add_argument("workspace", help="the workspace's address, as in /acme/")
        parser.add_argument("--provider", required=True, choices=["aws", "gcp", "azure", MANAGED])
        parser.add_argument("--credential", default="", help="name of the workspace's cloud credential")
        for name in PLACE:
            parser.add_argument(f"--{name}", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Copy and compare."""
        workspace = workspace_named(options["workspace"])
        if workspace is None:
            raise CommandError(f"There is no workspace “{options['workspace']}”.")
        with workspace_scope(workspace.pk):
            provider = options["provider"]
            values = {name: options[name] for name in PLACE if options[name]} | {"provider": provider}
            if provider != MANAGED:
                values[f"{provider}_credential"] = _credential(provider, options["credential"])
            try:
                copied = copy_storage(actor=system("manage.py copy_storage"), values=values)
            except (HeadraceError, EngineError) as error:
                fields = " ".join(f"{name}: {words}" for name, words in getattr(error, "fields", {}).items())
                raise CommandError(" ".join(filter(None, [error.message, fields, error.hint]))) from None
        self.stdout.write(
            f"{copied.files:,} files ({copied.bytes:,} bytes) are at the new place, the same to the byte; "
            f"{copied.found:,} were there before."
        )


def _credential(provider: str, name: str) -> str:
    """The credential of this name."""
    found = [value for value, label in clouds.choices(provider) if label == name]
    if not found:
        raise CommandError(f"The workspace has no credential “{name}” of this provider; name one with --credential.")
    return found[0]
