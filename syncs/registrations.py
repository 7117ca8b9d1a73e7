"""What this app tells others: what is built on a connection, and what the command palette finds."""

from __future__ import annotations

from collections import abc
from collections.abc import Iterable, Mapping

from django.db.models import Count, Q
from django.urls import reverse

from connectors import dependants, sealed, tabs
from connectors.choices import Kind
from connectors.dependants import Dependant, Provider
from connectors.tabs import Tab
from notifications import usage
from syncs.models import AlertRecipient, Model, Sequence, Sync
from workspaces import palette
from workspaces.palette import Hit
from workspaces.permissions import CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION
from workspaces.requests import WorkspaceRequest


def register_all() -> None:
    """Called once at start-up."""
    dependants.register(
        Kind.SOURCE, Provider("model", models_of_source, model_counts, new_model_url, CONFIGURE_FROM_SOURCE)
    )
    dependants.register(
        Kind.DESTINATION, Provider("sync", syncs_of_destination, sync_counts, new_sync_url, CONFIGURE_TO_DESTINATION)
    )
    sealed.register("syncs", Sync, "sealed_settings")
    tabs.register(Kind.DESTINATION, Tab("alerting", "Alerts", "syncs:destination_alerting"))
    usage.register("sync or destination", channel_uses)
    palette.register("Models", find_models)
    palette.register("Syncs", find_syncs)
    palette.register("Sequences", find_sequences)


def new_model_url(slug: str, source_id: int) -> str:
    """Where a model of this source is made."""
    return reverse("syncs:model_define", args=[slug, source_id])


def new_sync_url(slug: str, destination_id: int) -> str:
    """Where a sync to this destination is made."""
    return f"{reverse('syncs:sync_new', args=[slug])}?destination={destination_id}"


def models_of_source(source_id: int, limit: int) -> abc.Sequence[Dependant]:
    """The first models of a source."""
    models = Model.objects.filter(source_id=source_id).select_related("workspace").order_by("name", "id")[:limit]
    return [Dependant("model", model.name, model.get_absolute_url()) for model in models]


def model_counts(source_ids: abc.Sequence[int]) -> Mapping[int, int]:
    """How many models each of several sources has."""
    rows = Model.objects.filter(source_id__in=source_ids).order_by().values_list("source_id").annotate(Count("pk"))
    return dict(rows)


def syncs_of_destination(destination_id: int, limit: int) -> abc.Sequence[Dependant]:
    """The first syncs of a destination."""
    syncs = Sync.objects.filter(destination_id=destination_id).select_related("workspace").order_by("id")[:limit]
    return [Dependant("sync", str(sync), sync.get_absolute_url()) for sync in syncs]


def sync_counts(destination_ids: abc.Sequence[int]) -> Mapping[int, int]:
    """How many syncs each of several destinations has."""
    rows = Sync.objects.filter(destination_id__in=destination_ids).order_by()
    return dict(rows.values_list("destination_id").annotate(Count("pk")))


def find_models(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Models by name."""
    found = Model.objects.select_related("source", "workspace")
    if words:
        found = found.filter(Q(name__icontains=words) | Q(slug__icontains=words))
    for model in found.order_by("-updated_at")[: palette.LIMIT]:
        yield Hit(model.name, model.source.name, model.get_absolute_url())


def find_syncs(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Syncs by their own name or that of either side."""
    found = Sync.objects.select_related("model", "destination", "workspace")
    if words:
        named = Q(name__icontains=words) | Q(slug__icontains=words)
        found = found.filter(named | Q(model__name__icontains=words) | Q(destination__name__icontains=words))
    for sync in found.order_by("-updated_at")[: palette.LIMIT]:
        yield Hit(str(sync), f"{sync.model.name} → {sync.destination.name}", sync.get_absolute_url())


def find_sequences(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Sequences by name."""
    found = Sequence.objects.select_related("workspace").annotate(step_count=Count("steps"))
    if words:
        found = found.filter(Q(name__icontains=words) | Q(slug__icontains=words))
    for sequence in found.order_by("-updated_at")[: palette.LIMIT]:
        several = "" if sequence.step_count == 1 else "s"
        yield Hit(sequence.name, f"{sequence.step_count} sync{several}", sequence.get_absolute_url())


def channel_uses(channel_ids: Iterable[int]) -> Mapping[int, int]:
    """How many destinations and syncs tell of alerts through each channel."""
    rows = AlertRecipient.objects.filter(channel__in=channel_ids).order_by()
    return dict(rows.values_list("channel_id").annotate(Count("pk")))
