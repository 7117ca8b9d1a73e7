"""Putting an earlier version of an audience back: a change like any other, with its checks and rights."""

from __future__ import annotations

from audiences import access
from audiences.definitions import subsets_of
from audiences.models import Audience
from audiences.services.audiences import checked, described, store_change
from audiences.services.checks import require_version
from audiences.services.choosing import chosen_subsets
from audiences.versions import live_state, subsets_in, version_of
from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import record, service


@service("audience.restored")
def restore_audience(*, actor: Actor, audience: Audience, version: int, seen: str = "") -> Audience:
    """Put back the conditions and subsets that the audience had after the entry ``version``.

    They are checked again: a column, subset or audience that is gone is told, and nothing changes. Refused where the
    audience is not any more what was ``seen`` beside the version.
    """
    audience = access.audience_to_change(actor, audience.pk)
    require_version(audience, seen)
    found = version_of(audience, version)
    if found.obstacle:
        raise Conflict(f"This version cannot be restored. {found.obstacle}")
    if found.state == live_state(audience):
        raise Invalid("Nothing differs from what is live.", code="nothing_changed")
    subset_ids, gone = subsets_in(audience, found.state)
    if gone:
        words = ", ".join(f"“{name}”" for name in gone)
        raise Conflict(
            f"This version was built from subsets that are not there any more: {words}.",
            hint="Change the audience in its builder instead.",
        )
    subsets = chosen_subsets(actor, audience.parent_model, subset_ids, audience)
    before = described(audience, subsets_of(audience))
    audience.definition = checked(actor, audience.parent_model, found.state["definition"], audience, subsets)
    changed = store_change(audience, before, subsets)
    record(audience, before=changed.before, after={**changed.after, "audit_entry": found.entry.pk})
    return audience
