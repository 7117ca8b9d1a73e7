"""Lists of syncs with their status."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from governance.audit.actors import Actor
from syncs import access
from syncs.choices import LIVE, WORDS, Health, RunStatus
from syncs.models import Sync
from workspaces.access import require
from workspaces.permissions import Permission

_NULLS_LAST = F("last_run__created_at").desc(nulls_last=True)
ORDERS: dict[str, tuple[object, ...]] = {
    "name": ("name", "slug", "id"),
    "-name": ("-name", "-slug", "-id"),
    "model": ("model__name", "id"),
    "-model": ("-model__name", "-id"),
    "destination": ("destination__name", "id"),
    "-destination": ("-destination__name", "-id"),
    "last_run": (F("last_run__created_at").asc(nulls_last=True), "id"),
    "-last_run": (_NULLS_LAST, "-id"),
    "created": ("created_at", "id"),
    "-created": ("-created_at", "-id"),
    "updated": ("updated_at", "id"),
    "-updated": ("-updated_at", "-id"),
    "id": ("id",),
    "-id": ("-id",),
    "slug": ("slug", "id"),
    "-slug": ("-slug", "-id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFilter:
    """What a list of syncs is narrowed to; ``health`` is one of :class:`syncs.choices.Health`."""

    search: str = ""
    health: str = ""
    running: bool | None = None
    model_id: int | None = None
    source_id: int | None = None
    destination_id: int | None = None
    creator_id: int | None = None
    order: str = "-last_run"


def list_syncs(actor: Actor, chosen: SyncFilter | None = None) -> QuerySet[Sync]:
    """Syncs of the workspace with both sides and the latest run, in one query."""
    require(actor, Permission.MEMBER)
    chosen = chosen or SyncFilter()
    rows = access.syncs_on(actor).select_related("model__source", "destination", "last_run", "created_by")
    # A run's spec and job are large and no list shows them.
    rows = rows.defer("last_run__spec", "last_run__job", "last_run__prepared")
    exact = {
        "model_id": chosen.model_id,
        "model__source_id": chosen.source_id,
        "destination_id": chosen.destination_id,
        "created_by_id": chosen.creator_id,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value is not None})
    if chosen.search:
        rows = rows.filter(_named(chosen.search))
    if chosen.health in set(Health):
        rows = rows.filter(with_health(Health(chosen.health)))
    if chosen.running is not None:
        rows = rows.filter(Q(last_run__status__in=LIVE) if chosen.running else ~Q(last_run__status__in=LIVE))
    return rows.order_by(*ORDERS.get(chosen.order, ORDERS["-last_run"]))  # type: ignore[arg-type]


def with_health(health: Health) -> Q:
    """The condition under which a sync's status is in this group; the same rules as ``sync_status``."""
    live, off = Q(last_run__status__in=LIVE), Q(paused=True) | Q(schedule_enabled=False)
    speaks = live | ~off
    members = [status.value for status in RunStatus if WORDS[status].health is health]
    spoken = speaks & Q(last_run__status__in=members)
    if health is not Health.IDLE:
        return spoken
    return spoken | Q(last_run__isnull=True) | (off & ~live)


def _named(search: str) -> Q:
    words = Q(name__icontains=search) | Q(slug__icontains=search)
    words |= Q(model__name__icontains=search) | Q(destination__name__icontains=search)
    return words | Q(pk=int(search)) if search.isdecimal() and len(search) < 19 else words
