"""What is done to the audit log itself; each of it stands in the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from config.errors import Conflict, Invalid
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from governance.audit.services import begin_verification, purge_before, record, service, set_retention_days, unchanged
from workspaces.access import require
from workspaces.models import Organization, Workspace
from workspaces.permissions import Permission

SHORTEST_DAYS, LONGEST_DAYS = 30, 36_500


@service("audit_log.exported")
def record_export(
    *, actor: Actor, place: Workspace | Organization, form: str, filters: Mapping[str, Any]
) -> AuditEntry:
    """Remember that somebody takes the log of a workspace or of the whole organization away as a file."""
    whole = isinstance(place, Organization)
    require(actor, Permission.MANAGE_ORGANIZATION if whole else Permission.MANAGE_WORKSPACE)
    return record(place, after={"format": form, "filters": dict(filters), "whole_organization": whole})


@service("audit_log.retention_changed")
def change_retention(*, actor: Actor, organization: Organization, days: int | None) -> None:
    """Keep entries for so many days, or for ever."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    if days is not None and not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise Invalid.field("days", f"Enter {SHORTEST_DAYS} to {LONGEST_DAYS:,} days, or leave it empty.")
    before = set_retention_days(organization.pk, days)
    if before == days:
        unchanged()
        return
    record(organization, before={"days": before}, after={"days": days})


@service("audit_log.purged")
def purge_log(*, actor: Actor, organization: Organization, days: int) -> int:
    """Delete the oldest entries, some thousands at once, that are past their retention; how many they were."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    purged = purge_before(organization.pk, timezone.now() - timedelta(days=days))
    if purged is None:
        unchanged()
        return 0
    record(
        organization,
        after={
            "entries": purged.entries,
            "oldest": purged.oldest.isoformat(),
            "newest": purged.newest.isoformat(),
            "retention_days": days,
            "through": purged.checkpoint.sequence,
            "link": purged.checkpoint.link.hex(),
        },
    )
    return purged.entries


@service("audit_log.verification_started")
def start_verification(*, actor: Actor, organization: Organization) -> None:
    """Have a worker verify the whole chain."""
    from governance.tasks import verify_log

    require(actor, Permission.MANAGE_ORGANIZATION)
    if not begin_verification(organization.pk):
        raise Conflict("The log is being verified.", hint="Wait for it to end.")
    record(organization)
    enqueue(verify_log, organization.pk)
