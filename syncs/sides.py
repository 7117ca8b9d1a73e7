"""A model's own side of a sync: the source, or for the model of an audience the studio's parent model.

Rights are asked for in the words of sources; for an audience they mean those on its parent model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db.models import Model as Row
from django.db.models import QuerySet

from config.errors import Denied
from governance.audit.actors import Actor
from syncs.models import Model
from workspaces import access
from workspaces.permissions import On, Permission

R = TypeVar("R", bound=Row)

# Approving is the destination's right alone where audiences are synced: whoever builds them may propose syncs.
IN_THE_STUDIO = {
    Permission.DRAFT_FROM_SOURCE: Permission.CONFIGURE_AUDIENCES,
    Permission.APPROVE_FROM_SOURCE: Permission.CONFIGURE_AUDIENCES,
    Permission.VIEW_ROWS: Permission.VIEW_MEMBERS,
}


def meant(model: Model, needs: Iterable[Permission]) -> tuple[Permission, ...]:
    """The rights that these are on this model's side."""
    if model.parent_model_id is None:
        return tuple(needs)
    return tuple(dict.fromkeys(IN_THE_STUDIO.get(each, each) for each in needs))


def on(model: Model, destination_id: int | None = None) -> On:
    """The objects that rights on a sync of this model are asked for."""
    if model.parent_model_id is None:
        return On(source_id=model.source_id, destination_id=destination_id)
    return On(parent_model_id=model.parent_model_id, destination_id=destination_id)


# What the studio asks beside: of an audience's model, whether the actor holds what the audience is built from.
_guards: list[Callable[[Actor, Model, Iterable[Permission]], None]] = []


def guard(check: Callable[[Actor, Model, Iterable[Permission]], None]) -> None:
    """Let an app that models are made of refuse: ``check`` raises :class:`~config.errors.Denied`."""
    _guards.append(check)


def may(actor: Actor, model: Model, needs: Iterable[Permission], destination_id: int | None = None) -> bool:
    """Whether one group holds all these rights on the model's side and the destination."""
    rights = meant(model, needs)
    if not access.may(actor, rights, **on(model, destination_id)):
        return False
    try:
        _ask_guards(actor, model, rights)
    except Denied:
        return False
    return True


def require(actor: Actor, model: Model, needs: Iterable[Permission], destination_id: int | None = None) -> None:
    """Raise unless one group holds all these rights on the model's side and the destination."""
    rights = meant(model, needs)
    access.require(actor, rights, **on(model, destination_id))
    _ask_guards(actor, model, rights)


def _ask_guards(actor: Actor, model: Model, rights: Iterable[Permission]) -> None:
    for check in _guards if model.parent_model_id is not None and not actor.is_system else ():
        check(actor, model, rights)


def objects(model: Model, needs: Iterable[Permission], destination_id: int) -> dict[Permission, int]:
    """Each of these rights with the id of what it is needed on: for the people who hold them."""
    own = model.parent_model_id or model.source_id
    return {p: destination_id if p.side == "destination" else own for p in meant(model, needs)}


def visible(rows: QuerySet[R], actor: Actor, needs: Iterable[Permission], to: str = "") -> QuerySet[R]:
    """Only the rows on whose sync one group of the actor holds all these rights; ``to`` is the path to the sync."""
    wanted = tuple(needs)
    ours = {p: f"{to}destination_id" if p.side == "destination" else f"{to}model__source_id" for p in wanted}
    studio = {
        IN_THE_STUDIO.get(p, p): path.replace("model__source_id", "model__parent_model_id") for p, path in ours.items()
    }
    of_sources = access.visible_by(rows.filter(**{f"{to}model__parent_model_id": None}), actor, ours)
    of_audiences = access.visible_by(rows.exclude(**{f"{to}model__parent_model_id": None}), actor, studio)
    return of_sources | of_audiences
