"""Encrypt all stored credentials under the newest key of HEADRACE_SECRET_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connectors.secrets import UnreadableSecret
from connectors.services import rotate_credentials
from governance.audit.actors import system
from workspaces.models import Workspace
from workspaces.scoping import unscoped, workspace_scope


class Command(BaseCommand):
    help = (
        "Encrypt stored credentials under the first key of HEADRACE_SECRET_KEYS. "
        "Put a new key in front, restart, run this, and only then remove the old key."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """One workspace at a time, each in its own transaction: safe to run again after an interruption."""
        with unscoped("the key belongs to the installation, so every workspace's credentials change"):
            workspaces = list(Workspace.objects.select_related("organization").order_by("pk"))
        total = 0
        for workspace in workspaces:
            with workspace_scope(workspace.pk):
                try:
                    total += rotate_credentials(actor=system("rotate_secrets"), workspace=workspace)
                except UnreadableSecret as error:
                    raise CommandError(f"Workspace “{workspace}”: {error.message} {error.hint}") from None
        self.stdout.write(f"{total} stored credentials are under the newest key.")
