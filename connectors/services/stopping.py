"""The kill switch of a destination."""

from __future__ import annotations

from django.utils import timezone

from config.errors import Invalid
from connectors import access
from connectors.models import Destination
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.permissions import Permission

MAX_REASON = 500


@service("destination.stopped")
def stop_destination(*, actor: Actor, destination: Destination, reason: str = "") -> Destination:
    """Send nothing more to a destination: running syncs stop before their next batch, and no run starts."""
    locked = access.destination_for(actor, destination.pk, Permission.MANAGE_DESTINATION, lock=True)
    if locked.stopped_at is not None:
        unchanged()
        return locked
    reason = reason.strip()
    if len(reason) > MAX_REASON:
        raise Invalid.field("reason", f"Write at most {MAX_REASON} characters.")
    locked.stopped_at, locked.stopped_by, locked.stop_reason = timezone.now(), actor.label[:320], reason
    locked.save(update_fields=["stopped_at", "stopped_by", "stop_reason", "updated_at"])
    record(locked, after={"stopped": True, "reason": reason})
    return locked


@service("destination.released")
def release_destination(*, actor: Actor, destination: Destination) -> Destination:
    """Let syncs send to a stopped destination again; those whose time came meanwhile run once."""
    locked = access.destination_for(actor, destination.pk, Permission.MANAGE_DESTINATION, lock=True)
    if locked.stopped_at is None:
        unchanged()
        return locked
    before = {"stopped": True, "reason": locked.stop_reason}
    locked.stopped_at, locked.stopped_by, locked.stop_reason = None, "", ""
    locked.save(update_fields=["stopped_at", "stopped_by", "stop_reason", "updated_at"])
    record(locked, before=before, after={"stopped": False})
    return locked
