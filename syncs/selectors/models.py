"""Lists of models, and what hangs on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from governance.audit.actors import Actor
from syncs.choices import ModelMethod
from syncs.mappings import from_json, read_columns
from syncs.models import Model, Sync
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
class StaleMapping:
    """A sync that uses columns which its model no longer has."""

    sync: Sync
    columns: tuple[str, ...]


def list_models(actor: Actor, chosen: ModelFilter | None = None) -> QuerySet[Model]:
    """Models of the workspace with their source and ``sync_count``."""
    require(actor, Permission.MEMBER)
    chosen = chosen or ModelFilter()
    rows = Model.objects.select_related("source", "created_by").annotate(sync_count=Count("syncs"))
    if chosen.search:
        rows = rows.filter(Q(name__icontains=chosen.search) | Q(slug__icontains=chosen.search))
    if chosen.source_id is not None:
        rows = rows.filter(source_id=chosen.source_id)
    if chosen.method in ModelMethod.values:
        rows = rows.filter(method=chosen.method)
    return rows.order_by(*ORDERS.get(chosen.order, ORDERS["name"]))


def dependent_syncs(actor: Actor, model: Model) -> QuerySet[Sync]:
    """The syncs of a model with status and destination."""
    require(actor, Permission.MEMBER)
    return Sync.objects.filter(model=model).select_related("destination", "last_run", "model__source").order_by("id")


def stale_mappings(actor: Actor, model: Model) -> Sequence[StaleMapping]:
    """Syncs that name columns which the model lost or that people switched off."""
    usable = set(model.columns.filter(enabled=True, missing=False).values_list("name", flat=True))
    found = []
    for sync in dependent_syncs(actor, model):
        lost = tuple(name for name in read_columns(from_json(sync.mappings)) if name not in usable)
        if lost:
            found.append(StaleMapping(sync, lost))
    return found
