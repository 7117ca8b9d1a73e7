"""Writes to priority lists. They change what the syncs of their audiences send, from the next runs on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from audiences import access
from audiences.models import Audience, PriorityList, PriorityPlace, SchemaModel
from audiences.services.checks import checked_name
from config.errors import Conflict, Invalid, NotFound
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.scoping import current_workspace_id

FEWEST = 2
MOST = 100


@service("priority_list.created")
def create_priority_list(*, actor: Actor, parent: SchemaModel, name: str, audience_ids: Sequence[int]) -> PriorityList:
    """Put audiences of a parent model into an order, the highest priority first."""
    parent = access.parent_to_build_on(actor, parent.pk)
    ranked = PriorityList(
        workspace_id=current_workspace_id(),
        parent_model=parent,
        name=checked_name(name, "priority list"),
        created_by_id=actor.user_id,
    )
    _check_name(ranked)
    audiences = _audiences(actor, ranked, audience_ids)
    ranked.save()
    _put(ranked, audiences)
    record(ranked, after=_described(ranked))
    return ranked


@service("priority_list.updated")
def update_priority_list(
    *, actor: Actor, priority_list: PriorityList, name: str | None = None, audience_ids: Sequence[int] | None = None
) -> PriorityList:
    """Change the name, or which audiences stand in the list and in which order; what is ``None`` stays."""
    ranked = access.priority_list_to_change(actor, priority_list.pk)
    before = _described(ranked)
    if name is not None:
        ranked.name = checked_name(name, "priority list")
        _check_name(ranked)
    if audience_ids is not None and list(audience_ids) != _ids(ranked):
        stood = _lock(actor, _ids(ranked))
        audiences = _audiences(actor, ranked, audience_ids, stood)
        ranked.places.all().delete()
        _put(ranked, audiences)
    changed = changes(before, _described(ranked))
    if not changed:
        unchanged()
        return ranked
    ranked.save(update_fields=["name", "updated_at"])
    record(ranked, before=changed.before, after=changed.after)
    return ranked


@service("priority_list.deleted")
def delete_priority_list(*, actor: Actor, priority_list: PriorityList) -> None:
    """Delete a list: whoever is in several of its audiences is sent to all of them again."""
    ranked = access.priority_list_to_change(actor, priority_list.pk)
    _lock(actor, _ids(ranked))
    record(ranked, before=_described(ranked))
    ranked.delete()


def _audiences(
    actor: Actor, ranked: PriorityList, ids: Sequence[int], known: dict[int, Audience] | None = None
) -> list[Audience]:
    """The audiences in their order, locked. Raises :class:`Invalid` where they do not make a list."""
    if len(set(ids)) != len(ids):
        raise Invalid.field("audiences", "An audience stands in the list twice.")
    if not FEWEST <= len(ids) <= MOST:
        raise Invalid.field("audiences", f"A list has {FEWEST} audiences at least and {MOST} at most.")
    found = {**(known or {}), **_lock(actor, [pk for pk in ids if pk not in (known or {})])}
    chosen = [found[pk] for pk in ids]
    for audience in chosen:
        if audience.parent_model_id != ranked.parent_model_id:
            raise Invalid.field("audiences", f"“{audience}” is not made of {ranked.parent_model}.")
    others = PriorityPlace.objects.filter(audience__in=chosen).exclude(list_id=ranked.pk)
    if taken := others.select_related("audience", "list").first():
        raise Conflict(
            f"“{taken.audience}” already stands in the priority list “{taken.list}”.",
            hint="An audience is in one list at most: take it out there first.",
        )
    return chosen


def _lock(actor: Actor, ids: Iterable[int]) -> dict[int, Audience]:
    """The audiences by their ids, all of which the actor may change; locked in one order: nobody waits in a ring."""
    try:
        return {pk: access.audience_to_change(actor, pk) for pk in sorted(ids)}
    except NotFound:
        raise Conflict(
            "An audience of this list is not there, or you do not see it.",
            hint="Ask somebody who sees all of its audiences to change it.",
        ) from None


def _put(ranked: PriorityList, audiences: Sequence[Audience]) -> None:
    PriorityPlace.objects.bulk_create(
        PriorityPlace(workspace_id=ranked.workspace_id, list=ranked, audience=audience, position=position)
        for position, audience in enumerate(audiences, 1)
    )


def _ids(ranked: PriorityList) -> list[int]:
    return list(ranked.places.values_list("audience_id", flat=True))


def _described(ranked: PriorityList) -> dict[str, Any]:
    """The list as the audit log shows it."""
    names = list(ranked.places.values_list("audience__name", flat=True))
    return {"name": ranked.name, "parent_model": str(ranked.parent_model), "audiences": names}


def _check_name(ranked: PriorityList) -> None:
    same = PriorityList.objects.filter(parent_model=ranked.parent_model, name=ranked.name)
    if same.exclude(pk=ranked.pk).exists():
        raise Invalid.field("name", f"{ranked.parent_model} already has a priority list “{ranked.name}”.")
