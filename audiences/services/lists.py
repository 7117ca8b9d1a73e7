"""Writes to uploaded lists of values. The audit log remembers how many there are, never which."""

from __future__ import annotations

from collections.abc import Sequence

from audiences import access
from audiences.dependants import sentence
from audiences.models import ValueList
from audiences.selectors.uses import users_of
from audiences.services.checks import checked_name
from audiences.uploads import checked_values
from config.errors import Conflict
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.scoping import current_workspace_id

AUDITED = ("name", "size")


@service("value_list.created")
def create_list(*, actor: Actor, name: str, values: Sequence[str]) -> ValueList:
    """Add a list of values, which filters of all audiences can use."""
    access.require_build(actor)
    found = checked_values(values)
    made = ValueList(
        workspace_id=current_workspace_id(),
        name=checked_name(name, "list"),
        values=found,
        size=len(found),
        created_by_id=actor.user_id,
    )
    made.save()
    record(made, after=snapshot(made, AUDITED))
    return made


@service("value_list.updated")
def update_list(
    *, actor: Actor, value_list: ValueList, name: str | None = None, values: Sequence[str] | None = None
) -> ValueList:
    """Rename a list, or put other values into it; what is ``None`` stays."""
    value_list = access.list_to_change(actor, value_list.pk)
    before, old = snapshot(value_list, AUDITED), value_list.values
    if name is not None:
        value_list.name = checked_name(name, "list")
    if values is not None:
        value_list.values = checked_values(values)
        value_list.size = len(value_list.values)
    changed = changes(before, snapshot(value_list, AUDITED))
    if not changed and value_list.values == old:
        unchanged()
        return value_list
    value_list.save()
    record(value_list, before=changed.before, after={**changed.after, "replaced": value_list.values != old})
    return value_list


@service("value_list.deleted")
def delete_list(*, actor: Actor, value_list: ValueList) -> None:
    """Delete a list that no condition uses."""
    value_list = access.list_to_change(actor, value_list.pk)
    if users := users_of(actor, "list", value_list.pk):
        raise Conflict(f"“{value_list.name}” is used by {sentence(users)}.", hint="Take it out of there first.")
    record(value_list, before=snapshot(value_list, AUDITED))
    value_list.delete()
