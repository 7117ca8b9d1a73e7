"""What this app tells others: what is built on a connection, what is deployed, and what the command palette finds."""

from __future__ import annotations

import logging
from collections import abc
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Manager, Q, QuerySet
from django.urls import reverse

from config.errors import HeadraceError
from connectors import clouds, dependants, sealed, tabs
from connectors.choices import Kind
from connectors.dependants import Dependant, Provider
from connectors.models import Connection
from connectors.tabs import Tab
from governance.approvals import registry as approvals
from governance.approvals.models import Draft
from governance.approvals.registry import Stop, Stops
from governance.audit.actors import Actor
from governance.environments.registry import Deployable, register_deployable
from governance.privacy import registry as privacy
from notifications import usage
from notifications.webhooks import types
from syncs import areas, sides
from syncs.access import APPROVE, models_in_view, of_syncs_on, sequences_in_view, syncs_in_view, syncs_on
from syncs.areas import REVERSE_ETL
from syncs.choices import JOB_KINDS, RunStatus
from syncs.drafts.kinds import GovernedModel, GovernedSync
from syncs.models import AlertRecipient, ForgetKey, Model, ModelColumn, Run, Sequence, Sync, WorkspaceStorage
from workspaces import belongings, bulk, contents, folders, palette, resources, search, spaces
from workspaces.areas import off_here
from workspaces.bulk import Outcome
from workspaces.labels import labels_in
from workspaces.permissions import CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION
from workspaces.requests import WorkspaceRequest
from workspaces.resources import Kind as ResourceKind
from workspaces.search import Finder, Hit

MAX_STOPS = 100
WEBHOOK_EVENTS: Mapping[str, str] = {
    "run.started": "A run started",
    "run.held": "A run is held for a decision",
    "run.succeeded": "A run delivered every row",
    "run.warning": "A run ended and some rows were rejected",
    "run.failed": "A run failed",
    "run.cancelled": "A run was cancelled",
    "run.interrupted": "A run was cut off",
}

logger = logging.getLogger(__name__)


def register_all() -> None:
    """Called once at start-up."""
    areas.register()
    dependants.register(
        Kind.SOURCE, Provider("model", models_of_source, model_counts, new_model_url, CONFIGURE_FROM_SOURCE)
    )
    dependants.register(
        Kind.DESTINATION, Provider("sync", syncs_of_destination, sync_counts, new_sync_url, CONFIGURE_TO_DESTINATION)
    )
    spaces.register("sync", syncs_in_spaces)
    for name, words in WEBHOOK_EVENTS.items():
        types.register(name, words)
    sealed.register("syncs", Sync, "sealed_settings")
    sealed.register("drafts", Draft, "sealed")
    approvals.register(GovernedModel())
    approvals.register(GovernedSync())
    approvals.register_stops(Stops(held_count, held_stops))
    tabs.register(Kind.DESTINATION, Tab("syncs", "Syncs", "syncs:destination_syncs"))
    tabs.register(Kind.DESTINATION, Tab("alerting", "Alerts", "syncs:destination_alerting"))
    tabs.register(
        Kind.DESTINATION, Tab("extraction", "Data extraction", "syncs:destination_extraction", _lists_audiences)
    )
    usage.register("sync or destination", channel_uses)
    register_deployable("model", Model, _deployable_model)
    register_deployable("sync", Sync, _deployable_sync)
    sealed.register("forgotten", ForgetKey, "sealed")
    clouds.register_user(storage_credentials)
    clouds.register_user(schedule_credentials)
    privacy.register("syncs", "syncs.privacy.holder.SyncHolder")
    for kind in (sync_kind(), model_kind(), sequence_kind()):
        resources.register(kind)
    search.register(Finder("runs", "Runs", "activity", find_runs))
    search.register(Finder("labels", "Labels", "tag", find_labels))
    palette.register("Runs", find_runs)
    folders.register_contents(empty_folders)
    for noun, held in (("model", Model), ("sync", Sync), ("sequence", Sequence)):
        contents.register(noun, held)
    contents.register_obstacle(what_is_at_work)
    contents.register_eraser(erase_files)
    contents.register_eraser(drop_planner_tables)
    belongings.register("models", partial(_made_by, Model.objects))
    belongings.register("syncs", partial(_made_by, Sync.objects))
    belongings.register("sequences", partial(_made_by, Sequence.objects))


def storage_credentials() -> list[tuple[int, clouds.Use]]:
    """The credential that the workspace's own storage is opened with."""
    used = WorkspaceStorage.objects.values_list("credential_id", flat=True)
    return [(pk, clouds.Use("storage settings", "", "syncs:storage")) for pk in used]


def schedule_credentials() -> list[tuple[int, clouds.Use]]:
    """The credentials by which schedules see the jobs that they wait for."""
    found: list[tuple[int, clouds.Use]] = []
    for noun, model in (("sync", Sync), ("sequence", Sequence)):
        for row in model.objects.filter(schedule_kind__in=JOB_KINDS).order_by("pk"):
            use = clouds.Use(f"the schedule of the {noun}", str(row), f"syncs:{noun}_schedule", (row.pk,))
            found.append((int(row.after["credential"]), use))
    return found


def what_is_at_work(workspace_id: int) -> list[str]:
    """What runs in a workspace, or would by itself."""
    runs = Run.objects.filter(workspace_id=workspace_id, finished_at=None).count()
    syncs = Sync.objects.filter(workspace_id=workspace_id, next_run_at__isnull=False, paused=False).count()
    sequences = Sequence.objects.filter(workspace_id=workspace_id, next_run_at__isnull=False).count()
    found = [(runs, "run has", "runs have", "not ended"), (syncs, "sync is", "syncs are", "scheduled")]
    found.append((sequences, "sequence is", "sequences are", "scheduled"))
    return [f"{n:,} {one if n == 1 else many} {state}." for n, one, many, state in found if n]


def erase_files(workspace_id: int) -> None:
    """Delete a workspace's baselines, change sets and request traces, also in its own bucket if that still answers."""
    from syncs.engine.errors import StorageFailed
    from syncs.runspec import workspace_directory
    from syncs.storage import managed_storage, own_storage, storage

    managed_storage().delete_tree(workspace_directory(workspace_id))
    if (own := own_storage(workspace_id)) is None:
        return
    try:
        storage(workspace_id).delete_tree(workspace_directory(workspace_id))
    except StorageFailed as error:
        logger.warning("files of deleted workspace %s were left in %s: %s", workspace_id, own.url, error.message)


def _lists_audiences(row: Connection) -> bool:
    from connectors.access import lists_audiences

    return lists_audiences(row)


def drop_planner_tables(workspace_id: int) -> None:
    """Drop what the syncs of a deleted workspace left in warehouses, as far as those still answer."""
    from connectors.access import open_source
    from connectors.sdk.errors import ConnectorError
    from syncs import engine
    from syncs.logs import workspace_code
    from syncs.services.syncs import used_warehouse

    for sync in Sync.objects.filter(workspace_id=workspace_id).select_related("workspace", "model__source"):
        if not used_warehouse(sync):
            continue
        try:
            engine.drop_tables(open_source(sync.model.source), workspace_code(sync.workspace), sync.pk)
        except (ConnectorError, HeadraceError) as error:
            logger.warning("tables of deleted sync %s were left in its warehouse: %s", sync.pk, error.code)


def _made_by(rows: Manager[Any], organization_id: int, user_id: int) -> QuerySet[Any]:
    """What a person made, in all workspaces of the organization."""
    made = rows.filter(workspace__organization_id=organization_id, created_by_id=user_id)
    return made.select_related("model", "destination") if rows.model is Sync else made


def new_model_url(slug: str, source_id: int) -> str:
    """Where a model of this source is made."""
    return reverse("syncs:model_define", args=[slug, source_id])


def new_sync_url(slug: str, destination_id: int) -> str:
    """Where a sync to this destination is made."""
    return f"{reverse('syncs:sync_new', args=[slug])}?destination={destination_id}"


def models_of_source(actor: Actor, source_id: int, limit: int) -> abc.Sequence[Dependant]:
    """The first models of a source."""
    models = (
        models_in_view(actor).filter(source_id=source_id).select_related("workspace").order_by("name", "id")[:limit]
    )
    return [Dependant("model", model.name, model.get_absolute_url()) for model in models]


def model_counts(actor: Actor, source_ids: abc.Sequence[int]) -> Mapping[int, int]:
    """How many models each of several sources has."""
    rows = (
        models_in_view(actor).filter(source_id__in=source_ids).order_by().values_list("source_id").annotate(Count("pk"))
    )
    return dict(rows)


def syncs_of_destination(actor: Actor, destination_id: int, limit: int) -> abc.Sequence[Dependant]:
    """The first syncs of a destination."""
    syncs = syncs_in_view(actor).filter(destination_id=destination_id).select_related("workspace")
    return [Dependant("sync", str(sync), sync.get_absolute_url()) for sync in syncs.order_by("id")[:limit]]


def sync_counts(actor: Actor, destination_ids: abc.Sequence[int]) -> Mapping[int, int]:
    """How many syncs each of several destinations has."""
    rows = syncs_in_view(actor).filter(destination_id__in=destination_ids).order_by()
    return dict(rows.values_list("destination_id").annotate(Count("pk")))


def syncs_in_spaces(space_ids: abc.Sequence[int]) -> Mapping[int, int]:
    """How many syncs each of several spaces holds."""
    rows = Sync.objects.filter(space__in=space_ids).order_by().values_list("space_id")
    return {pk: number for pk, number in rows.annotate(number=Count("pk")) if pk is not None}


def sync_kind() -> ResourceKind:
    """Syncs, found by what they join, too."""
    return ResourceKind(
        name="sync",
        plural="Syncs",
        icon="refresh-cw",
        route="syncs:sync",
        rows=syncs_on,
        detail=lambda sync: f"{sync.model.name} → {sync.destination.name}",
        inside=lambda word: Q(model__name__icontains=word) | Q(destination__name__icontains=word),
        related=("model", "destination"),
    )


def model_kind() -> ResourceKind:
    """Models, found by their query and columns, too."""
    return ResourceKind(
        name="model",
        plural="Models",
        icon="table-2",
        route="syncs:model",
        rows=models_in_view,
        detail=lambda model: model.source.name,
        inside=in_model,
        inside_words="in its query or columns",
        related=("source",),
        areas=(REVERSE_ETL,),
    )


def in_model(word: str) -> Q:
    """The condition under which a word stands in a model's description, query, table or columns."""
    columns = ModelColumn.objects.filter(name__icontains=word).values("model_id")
    written = Q(description__icontains=word) | Q(sql__icontains=word)
    return written | Q(table_name__icontains=word) | Q(table_schema__icontains=word) | Q(pk__in=columns)


def sequence_kind() -> ResourceKind:
    """Sequences."""
    return ResourceKind(
        name="sequence",
        plural="Sequences",
        icon="list-checks",
        route="syncs:sequence",
        rows=sequences_in_view,
        detail=lambda sequence: sequence.schedule.words,
        areas=(REVERSE_ETL,),
    )


def find_runs(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """The run with this id."""
    number = words.removeprefix("#")
    if not number.isdecimal() or len(number) > 18:
        return
    for run in of_syncs_on(Run.objects.select_related("sync").filter(pk=int(number)), request.actor):
        url = reverse("syncs:run", args=[request.workspace.slug, run.sync_id, run.pk])
        yield Hit(f"Run {run.number} of {run.sync}", run.words.run_page, url)


def find_labels(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Labels of syncs and models, each leading to its list."""
    lists: list[tuple[str, QuerySet[Any]]] = [("syncs", syncs_on(request.actor))]
    if REVERSE_ETL not in off_here():
        lists.append(("models", models_in_view(request.actor)))
    for name, rows in lists:
        for label in labels_in(rows):
            if words.lower() in label.lower():
                url = reverse(f"syncs:{name}", args=[request.workspace.slug])
                yield Hit(label.replace("=", ": ", 1), f"Label of {name}", f"{url}?{urlencode({'label': label})}")


def empty_folders(actor: Actor, folder_ids: abc.Sequence[int]) -> list[Outcome]:
    """Delete the syncs in folders, then their models; each by its own service."""
    from syncs import services  # on first use: starting Django loads no engine

    syncs = syncs_in_view(actor).filter(model__folder__in=folder_ids).select_related("model", "destination")
    outcomes = bulk.each(syncs, lambda sync: services.delete_sync(actor=actor, sync=sync))
    models = models_in_view(actor).filter(folder__in=folder_ids)
    return outcomes + bulk.each(models, lambda model: services.delete_model(actor=actor, model=model))


def held_count(actor: Actor) -> int:
    """How many held runs wait for this person's decision."""
    return _held(actor).count()


def held_stops(request: WorkspaceRequest) -> abc.Sequence[Stop]:
    """The held runs that wait for this person's decision, the longest waiting first."""
    slug = request.workspace.slug
    runs = _held(request.actor).select_related("sync__model", "sync__destination").defer("spec", "job", "prepared")
    return [_stop(slug, run) for run in runs.order_by("pk")[:MAX_STOPS]]


def _held(actor: Actor) -> QuerySet[Run]:
    held = of_syncs_on(Run.objects.filter(status=RunStatus.HELD, finished_at=None), actor)
    return sides.visible(held, actor, APPROVE, "sync__")


def _stop(slug: str, run: Run) -> Stop:
    from syncs.holds import hold_of  # the engine comes with it, which starting Django does not load

    hold = hold_of(run)
    return Stop(
        label=f"{run.sync}, {str(run).lower()}",
        noun="Held run",
        words=hold.words if hold else "",
        since=hold.since if hold else run.created_at,
        url=reverse("syncs:run", args=[slug, run.sync_id, run.pk]),
        decide_url=reverse("syncs:run_decide", args=[slug, run.sync_id, run.pk]),
        choices=(("release", f"Send {run.planned:,} rows"), ("drop", "Drop them")),
    )


def channel_uses(channel_ids: Iterable[int]) -> Mapping[int, int]:
    """How many destinations and syncs tell of alerts through each channel."""
    rows = AlertRecipient.objects.filter(channel__in=channel_ids).order_by()
    return dict(rows.values_list("channel_id").annotate(Count("pk")))


def _deployable_model() -> Deployable:
    """Imported on first use: starting Django loads no connector."""
    from syncs.environments.models import DeployableModel

    return DeployableModel()


def _deployable_sync() -> Deployable:
    from syncs.environments.syncs import DeployableSync

    return DeployableSync()
