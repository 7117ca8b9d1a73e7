"""Verify the audit log: that no entry was changed, deleted, put in or moved, and that its end was not cut off."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.audit.chain import Checkpoint
from governance.audit.services import seal_organization
from governance.audit.verification import Verdict, verify_chain
from governance.log.upkeep import organizations
from workspaces.models import Organization
from workspaces.scoping import unscoped


class Command(BaseCommand):
    help = (
        "Verify the audit log of every organization, or of one: OK, or the first entry that is not as it was written. "
        "Prints a checkpoint of each; keep it elsewhere and give it back later to tell whether the log was rewritten."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", type=int, help="the id of one organization; 0 for entries of none")
        parser.add_argument(
            "--checkpoint", action="append", default=[], help="a checkpoint kept elsewhere, as 1204:3fa9…; may repeat"
        )
        parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with an error where anything is wrong, so that a job that runs it fails."""
        try:
            checkpoints = [Checkpoint.parse(text) for text in options["checkpoint"]]
        except ValueError as error:
            raise CommandError(str(error)) from None
        if checkpoints and options["organization"] is None:
            raise CommandError("A checkpoint belongs to one organization: name it with --organization.")
        names = self._names(options["organization"])
        with unscoped("the operator verifies every organization's log"):
            verdicts = {pk: self._verify(pk, checkpoints) for pk in names}
        if options["json"]:
            self.stdout.write(json.dumps([{"organization": pk, **v.to_json()} for pk, v in verdicts.items()], indent=2))
        else:
            for pk, verdict in verdicts.items():
                self.stdout.write(_words(names[pk], verdict))
        broken = [names[pk] for pk, verdict in verdicts.items() if not verdict.ok]
        if broken:
            raise CommandError(f"The audit log is not as it was written: {', '.join(broken)}.")

    def _names(self, wanted: int | None) -> dict[int, str]:
        known = {0: "entries of no organization", **{o.pk: _named(o) for o in organizations()}}
        if wanted is None:
            return known
        if wanted not in known:
            raise CommandError(f"There is no organization {wanted}.")
        return {wanted: known[wanted]}

    def _verify(self, organization_id: int, checkpoints: list[Checkpoint]) -> Verdict:
        while seal_organization(organization_id):
            pass
        return verify_chain(organization_id, checkpoints=checkpoints)


def _named(organization: Organization) -> str:
    return f"{organization.name} ({organization.pk})"


def _words(name: str, verdict: Verdict) -> str:
    if verdict.problem is not None:
        place = f" at entry {verdict.problem.sequence:,} of the chain" if verdict.problem.sequence else ""
        return f"{name}: NOT OK{place}. {verdict.problem.words}"
    parts = [f"{name}: OK, {verdict.checked:,} entries"]
    if verdict.purged:
        parts.append(f"{verdict.purged:,} older ones deleted by retention")
    if verdict.redacted:
        parts.append(f"{verdict.redacted:,} with erased values")
    lines = [", ".join(parts) + ".", *(f"  {note}" for note in verdict.notes)]
    if verdict.checkpoint:
        lines.append(f"  Checkpoint {verdict.checkpoint}")
    return "\n".join(lines)
