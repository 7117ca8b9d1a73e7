"""Putting an earlier version of an audience back: a change like any other, with its checks and rights."""

from __future__ import annotations

from audiences import access
from audiences.models import Audience
from audiences.services.audiences import update_audience
from audiences.versions import live_state, subset_ids_in, version_of
from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import record, service


def restore_audience(*, actor: Actor, audience: Audience, version: int) -> Audience:
    """Put back the conditions and subsets that the audience had after the entry ``version``.

    They are checked again: a column, subset or audience that is gone is told, and nothing changes.
    """
    audience = access.audience_for(actor, audience.pk)
    found = version_of(audience, version)
    if found.obstacle:
        raise Conflict(f"This version cannot be restored. {found.obstacle}")
    if found.state == live_state(audience):
        raise Invalid("Nothing differs from what is live.", code="nothing_changed")
    subset_ids, gone = subset_ids_in(audience, found.state)
    if gone:
        named = ", ".join(f"“{name}”" for name in gone)
        raise Conflict(
            f"This version was built from subsets that are not there any more: {named}.",
            hint="Change the audience in its builder instead.",
        )
    changed = update_audience(
        actor=actor, audience=audience, definition=found.state["definition"], subset_ids=subset_ids
    )
    note_restored_audience(actor=actor, audience=changed, version=found.entry.pk)
    return changed


@service("audience.restored")
def note_restored_audience(*, actor: Actor, audience: Audience, version: int) -> None:
    """Remember that the change came from an earlier version."""
    audience = access.audience_to_change(actor, audience.pk)
    record(audience, after={"audit_entry": version})
