"""Encrypt everything that is stored sealed under the newest key of HEADRACE_SECRET_KEYS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.secrets import UnreadableSecret, is_newest
from connectors.services import rotate_credentials, sealed_columns
from governance.audit.actors import system
from workspaces.models import Organization, Workspace
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services import (
    people_without_organization,
    rotate_second_factors,
    rotate_sign_in_secrets,
    sign_in_secrets_left,
)

ACTOR = system("rotate_secrets")


class Command(BaseCommand):
    help = (
        "Encrypt stored credentials, secrets of identity providers and second factors under the first key of "
        "HEADRACE_SECRET_KEYS. "
        "Put a new key in front, restart, run this, and only then remove the old key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """A look without a change."""
        parser.add_argument(
            "--check", action="store_true", help="Only say whether older keys are still needed; exit status 1 if so."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """One piece at a time, each in its own transaction: an interrupted rotation goes on where it stopped."""
        if options["check"]:
            self._check()
            return
        total = self._rotate_connections() + self._rotate_sign_in()
        self.stdout.write(f"{total} stored credentials were put under the newest key.")

    def _rotate_connections(self) -> int:
        with unscoped("the key belongs to the installation, so every workspace's credentials change"):
            workspaces = list(Workspace.objects.select_related("organization").order_by("pk"))
        total = 0
        for number, workspace in enumerate(workspaces, start=1):
            with workspace_scope(workspace.pk), _named(f"Workspace “{workspace}”"):
                changed = rotate_credentials(actor=ACTOR, workspace=workspace)
            total += changed
            if changed:
                self.stdout.write(f"{number} of {len(workspaces)} workspaces: {changed} in “{workspace}”")
        return total

    def _rotate_sign_in(self) -> int:
        with unscoped("the key belongs to the installation, so every organization's secrets change"):
            organizations = list(Organization.objects.order_by("pk"))
            people = list(people_without_organization())
        total = 0
        for organization in organizations:
            with _named(f"Organization “{organization}”"):
                changed = rotate_sign_in_secrets(actor=ACTOR, organization=organization)
            total += changed
            if changed:
                self.stdout.write(f"{changed} of signing in to “{organization}”")
        for user in people:
            with _named(str(user)):
                total += rotate_second_factors(actor=ACTOR, user=user)
        return total

    def _check(self) -> None:
        left: Counter[str] = Counter()
        with unscoped("the key belongs to the installation, so every workspace's credentials are looked at"):
            for noun, (model, column) in sealed_columns().items():
                tokens = model._default_manager.exclude(**{column: ""}).values_list(column, flat=True)
                left[noun] = sum(not is_newest(token) for token in tokens.iterator(chunk_size=500))
            left.update(sign_in_secrets_left())
        if any(left.values()):
            words = ", ".join(f"{number} {noun}" for noun, number in left.items() if number)
            raise CommandError(f"Older keys are still needed for {words}. Run this without --check first.")
        self.stdout.write("Every stored credential is under the newest key: older keys can be removed.")


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say whose secret no key reads."""
    try:
        yield
    except UnreadableSecret as error:
        raise CommandError(f"{what}: {error.message} {error.hint}") from None
