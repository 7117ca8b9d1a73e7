"""The filters of the lists of syncs and models: what they offer, and the conditions they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from config.ui.listing import Filter, Listing
from connectors import catalog
from connectors.choices import Kind
from connectors.selectors import destinations, sources
from governance.audit.actors import Actor
from syncs import access
from syncs.choices import DEFINED, LIVE, Health, ScheduleKind
from syncs.models import Model, Sync
from syncs.selectors.syncs import with_health
from workspaces.access import spaces_in_view, spaces_of
from workspaces.labels import labels_in, with_labels
from workspaces.models import User
from workspaces.organizing import label_filters
from workspaces.spaces import EVERYONE

HEALTH = Filter.of("health", "Health", [(h.value, h.value.capitalize()) for h in Health], single=True)
PROGRESS = Filter.of(
    "progress", "Progress", [("running", "Running now"), ("idle", "Not running")], single=True, more=True
)
SCHEDULES = [*ScheduleKind.choices, ("off", "Switched off"), ("paused", "Paused")]
LAST_RUN = [("day", "In the last day"), ("week", "In the last week"), ("older", "Longer ago"), ("never", "Never ran")]
DUPLICATES = [("yes", "Rows shared a key in the last run"), ("no", "Every row had its own key")]
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def sync_filters(actor: Actor, model_id: str = "") -> list[Filter]:
    """Every filter of the list of syncs: five statements, one more where spaces hide something or a model is named."""
    syncs = access.syncs_on(actor)
    targets = list(destinations().values_list("pk", "name", "type"))
    models = Model.objects.filter(pk=int(model_id)) if model_id.isdecimal() and len(model_id) < 19 else ()
    named = [(str(model.pk), model.name) for model in models]
    return [
        HEALTH,
        Filter.of("destination", "Destination", [(pk, name) for pk, name, _ in targets]),
        Filter.of("source", "Source", sources().values_list("pk", "name")),
        *label_filters(labels_in(syncs)),
        PROGRESS,
        Filter.of("to", "Kind of destination", _types(Kind.DESTINATION, (t for _, _, t in targets)), more=True),
        Filter.of("schedule", "Schedule", SCHEDULES, more=True),
        Filter.of("last_run", "Last run", LAST_RUN, single=True, more=True),
        Filter.of("creator", "Created by", creators(syncs), more=True),
        *([Filter.of("model", "Model", named, more=True)] if named else []),
        *_space_filter(actor),
    ]


def narrowed_syncs(rows: QuerySet[Sync], listing: Listing) -> QuerySet[Sync]:
    """The syncs that every filter which is set lets through."""
    if health := listing.chosen_one("health"):
        rows = rows.filter(with_health(Health(health)))
    if progress := listing.chosen_one("progress"):
        running = Q(last_run__status__in=LIVE)
        rows = rows.filter(running if progress == "running" else ~running | Q(last_run__isnull=True))
    by_id = {
        "destination": "destination_id",
        "source": "model__source_id",
        "creator": "created_by_id",
        "model": "model_id",
    }
    for name, path in by_id.items():
        if chosen := listing.chosen_ids(name):
            rows = rows.filter(**{f"{path}__in": chosen})
    if types := listing.chosen("to"):
        rows = rows.filter(destination__type__in=types)
    if kinds := listing.chosen("schedule"):
        rows = rows.filter(_scheduled(kinds))
    if since := listing.chosen_one("last_run"):
        rows = rows.filter(_ran(since))
    if spaces := listing.chosen("space"):
        ids = [int(space) for space in spaces if space]
        rows = rows.filter(Q(space__in=ids) | (Q(space__isnull=True) if "0" in spaces else Q(pk__in=[])))
    return with_labels(rows, listing.chosen("label"), listing.chosen("without"))


def model_filters(actor: Actor) -> list[Filter]:
    """Every filter of the list of models: four statements."""
    models = access.models_in_view(actor)
    known = list(sources().values_list("pk", "name", "type"))
    return [
        Filter.of("source", "Source", [(pk, name) for pk, name, _ in known]),
        Filter.of("method", "Query type", DEFINED, single=True),
        *label_filters(labels_in(models)),
        Filter.of("from", "Kind of source", _types(Kind.SOURCE, (t for _, _, t in known)), more=True),
        Filter.of("creator", "Created by", creators(models), more=True),
        Filter.of("duplicates", "Duplicate primary keys", DUPLICATES, single=True, more=True),
        Filter.of("used", "Syncs", [("yes", "With a sync"), ("no", "Without one")], single=True, more=True),
    ]


def narrowed_models(actor: Actor, rows: QuerySet[Model], listing: Listing) -> QuerySet[Model]:
    """The models that every filter which is set lets through."""
    by_id = {"source": "source_id", "creator": "created_by_id"}
    for name, path in by_id.items():
        if chosen := listing.chosen_ids(name):
            rows = rows.filter(**{f"{path}__in": chosen})
    if types := listing.chosen("from"):
        rows = rows.filter(source__type__in=types)
    if method := listing.chosen_one("method"):
        rows = rows.filter(method=method)
    syncs = access.syncs_in_view(actor).filter(model=OuterRef("pk"))
    if duplicates := listing.chosen_one("duplicates"):
        shared = Exists(syncs.filter(last_run__duplicates__gt=0))
        rows = rows.filter(shared if duplicates == "yes" else ~shared)
    if used := listing.chosen_one("used"):
        rows = rows.filter(Exists(syncs) if used == "yes" else ~Exists(syncs))
    return with_labels(rows, listing.chosen("label"), listing.chosen("without"))


def _types(kind: Kind, keys: Iterable[str]) -> list[tuple[str, str]]:
    return sorted(((key, catalog.known_entry(kind, key).name) for key in set(keys)), key=lambda pair: pair[1].lower())


def creators(rows: QuerySet[Any]) -> list[tuple[str, str]]:
    """Who added these rows, as options."""
    people = User.objects.filter(pk__in=rows.order_by().values("created_by")).order_by("email")
    return [(str(person.pk), person.display_name) for person in people]


def _space_filter(actor: Actor) -> list[Filter]:
    seen = spaces_of(actor)
    spaces = [] if seen is not None and not seen else [(str(space.pk), space.name) for space in spaces_in_view(actor)]
    return [Filter.of("space", "Space", [("0", EVERYONE), *spaces], more=True)] if spaces else []


def _scheduled(kinds: Iterable[str]) -> Q:
    condition = Q(pk__in=[])
    for kind in kinds:
        if kind == "off":
            condition |= Q(schedule_enabled=False)
        elif kind == "paused":
            condition |= Q(paused=True)
        else:
            condition |= Q(schedule_kind=kind)
    return condition


def _ran(since: str) -> Q:
    now = timezone.now()
    return {
        "day": Q(last_run__created_at__gte=now - DAY),
        "week": Q(last_run__created_at__gte=now - WEEK),
        "older": Q(last_run__created_at__lt=now - WEEK),
        "never": Q(last_run__isnull=True),
    }[since]
