"""Lists of models, and what hangs on one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from governance.audit.actors import Actor
from syncs import access
from syncs.choices import ModelMethod
from syncs.configuration import definition_of
from syncs.mappings import from_json
from syncs.models import Model, Sync
from syncs.uses import Use, lost_uses, uses_of
from workspaces.access import require
from workspaces.permissions import Permission

ORDERS = {
    "name": ("name", "id"),
    "-name": ("-name", "-id"),
    "source": ("source__name", "name", "id"),
    "-source": ("-source__name", "name", "id"),
    "syncs": ("sync_count", "id"),
    "-syncs": ("-sync_count", "id"),
    "updated": ("updated_at", "id"),
    "-updated": ("-updated_at", "-id"),
    "created": ("created_at", "id"),
    "-created": ("-created_at", "-id"),
    "id": ("id",),
    "-id": ("-id",),
    "slug": ("slug", "id"),
    "-slug": ("-slug", "-id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFilter:
    """What a list of models is narrowed to."""

    search: str = ""
    source_id: int | None = None
    method: str = ""
    order: str = "name"


@dataclass(frozen=True, slots=True)
class StaleSync:
    """A sync that names columns which its model no longer has, and every place that does."""

    sync: Sync
    uses: tuple[Use, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The lost columns, each once."""
        return tuple(dict.fromkeys(name for use in self.uses for name in use.columns))


@dataclass(frozen=True, slots=True)
class Dependant:
    """A sync of a model whose key is to change. ``waits`` says why it cannot run at once; empty where it can."""

    sync: Sync
    waits: str


def list_models(actor: Actor, chosen: ModelFilter | None = None) -> QuerySet[Model]:
    """Models of the workspace with their source and ``sync_count``."""
    require(actor, Permission.MEMBER)
    chosen = chosen or ModelFilter()
    rows = access.models_in_view(actor).select_related("source", "created_by").annotate(sync_count=sync_count(actor))
    if chosen.search:
        rows = rows.filter(Q(name__icontains=chosen.search) | Q(slug__icontains=chosen.search))
    if chosen.source_id is not None:
        rows = rows.filter(source_id=chosen.source_id)
    if chosen.method in ModelMethod.values:
        rows = rows.filter(method=chosen.method)
    return rows.order_by(*ORDERS.get(chosen.order, ORDERS["name"]))


def sync_count(actor: Actor) -> Coalesce:
    """How many syncs of the model in the outer query the actor sees."""
    counted = access.syncs_in_view(actor).filter(model=OuterRef("pk")).order_by().values("model")
    return Coalesce(Subquery(counted.annotate(number=Count("pk")).values("number")), 0)


def dependent_syncs(actor: Actor, model: Model) -> QuerySet[Sync]:
    """The syncs of a model with status and destination."""
    require(actor, Permission.MEMBER)
    return (
        access.syncs_in_view(actor)
        .filter(model=model)
        .select_related("destination", "last_run", "model__source")
        .order_by("id")
    )


def dependants_of_key(actor: Actor, model: Model) -> Sequence[Dependant]:
    """The syncs of a model and whether this person can run each right away, as a new key asks for."""
    return [Dependant(sync, _why_it_waits(actor, sync)) for sync in dependent_syncs(actor, model)]


def _why_it_waits(actor: Actor, sync: Sync) -> str:
    if not access.may_trigger(actor, sync):
        return "you may not run it"
    if sync.paused:
        return "it is paused"
    return "it is running" if sync.last_run and sync.last_run.live else ""


def stale_mappings(actor: Actor, model: Model, columns: Iterable[str] | None = None) -> Sequence[StaleSync]:
    """Syncs that name columns which the model lost or that people switched off.

    With ``columns``, as if the model returned these now: what a change of its query would break.
    """
    rows = list(model.columns.values_list("name", "enabled", "missing"))
    off = {name for name, enabled, _ in rows if not enabled}
    there = {name for name, _, missing in rows if not missing} if columns is None else set(columns)
    found = []
    for sync in dependent_syncs(actor, model):
        kind = definition_of(sync.destination).sync_type(sync.sync_type)
        uses = uses_of(kind.settings, sync.settings, from_json(sync.mappings))
        if lost := lost_uses(uses, usable=there - off, known={name for name, _, _ in rows}):
            found.append(StaleSync(sync, lost))
    return found


def syncs_reading(actor: Actor, model_ids: Iterable[int], column: str) -> list[Sync]:
    """The syncs of these models that read a column, as far as the actor sees them."""
    rows = access.syncs_in_view(actor).filter(model__in=model_ids).select_related("destination", "model")
    return [sync for sync in rows if column in _columns_of(sync)]


def columns_read(model_id: int) -> set[str]:
    """The columns that the syncs of a model read."""
    rows = Sync.objects.filter(model_id=model_id).select_related("destination")
    return {column for sync in rows for column in _columns_of(sync)}


def _columns_of(sync: Sync) -> set[str]:
    kind = definition_of(sync.destination).sync_type(sync.sync_type)
    return {name for use in uses_of(kind.settings, sync.settings, from_json(sync.mappings)) for name in use.columns}
