"""What this app tells others: what is built on a source, and what people find and open again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from audiences import dependants as built
from audiences import governed, templated
from audiences.choices import STUDIO, LogPlace
from audiences.kinds import kinds
from audiences.models import Audience, AudienceTemplate, PriorityList, SchemaModel, Trait, ValueList
from connectors import dependants, tabs
from connectors.choices import Kind
from connectors.dependants import Dependant, Provider
from connectors.tabs import Tab
from governance.audit.actors import Actor
from governance.privacy import registry as privacy
from syncs import clockwork, origins, sides
from syncs.areas import at_work, stop
from syncs.choices import ModelMethod, RunStatus
from syncs.models import Model, Run, Sync
from syncs.origins import Asked, Origin
from workspaces import areas, belongings, bulk, contents, folders, resources, search, spaces
from workspaces.access import in_view
from workspaces.areas import Area
from workspaces.bulk import Outcome
from workspaces.labels import labels_in
from workspaces.models import Folder, Space
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.search import Finder, Hit

SYNC_TABS = (("audiences:sync_waterfall", "Waterfall"), ("audiences:sync_groups", "Experiment"))


def register_area() -> None:
    """Let a workspace switch the whole studio off."""
    areas.register(
        Area(
            key=STUDIO,
            name="Customer Studio",
            words="Schema, audiences, traits, profiles and experiments, and the syncs that send audiences.",
            at_work=partial(at_work, STUDIO),
            stop=partial(stop, STUDIO),
        )
    )
    areas.register_pages(STUDIO, "audiences", "syncs.views.sync_list", "syncs.api.syncs")


def register_all() -> None:
    """Called once at start-up."""
    needs = (Permission.CONFIGURE_SCHEMA,)
    dependants.register(Kind.SOURCE, Provider("schema model", models_of_source, model_counts, new_model_url, needs))
    for kind in kinds():
        resources.register(kind)
    contents.register("audience", Audience)
    contents.register("schema model", SchemaModel)
    belongings.register("schema models", made_by)
    belongings.register("audiences", audiences_made_by)
    built.register("audience", audiences_of)
    built.register("audience template", templates_of)
    contents.register("audience template", AudienceTemplate)
    belongings.register("audience templates", templates_made_by)
    contents.register("value list", ValueList)
    belongings.register("value lists", lists_made_by)
    built.register("trait", traits_of)
    built.register("condition", conditions_of)
    built.register("priority list", priority_lists_of)
    contents.register("trait", Trait)
    contents.register("priority list", PriorityList)
    belongings.register("traits", traits_made_by)
    spaces.register("audience", audiences_in_spaces)
    register_area()
    origin = Origin(
        STUDIO,
        asked_for,
        require_sending,
        space_of,
        move_with_sync,
        SYNC_TABS,
        begun=group_begun,
        made=sync_made,
        prepared=run_prepared,
        ended=run_ended,
        narrow=for_groups,
        erase=erase_members,
        unseen=unseen_in,
    )
    origins.register(ModelMethod.AUDIENCE, origin)
    folders.register_contents(empty_folders)
    search.register(Finder("audience-labels", "Labels of audiences", "tag", find_labels))
    belongings.register("priority lists", priority_lists_made_by)
    governed.register_all()
    templated.register_all()
    sides.guard(subsets_guard)
    privacy.register("histories", "audiences.privacy.histories.HistoryHolder")
    privacy.register("value_lists", "audiences.privacy.lists.ListHolder")
    privacy.register("conditions", "audiences.privacy.conditions.ConditionHolder")
    clockwork.register("look at schema models again", look_again, timedelta(seconds=30))
    clockwork.register("take snapshots of audiences", snapshots_due, timedelta(minutes=5))
    clockwork.register("take up lost logs of audiences", take_up_logs, timedelta(minutes=1))
    clockwork.register("forget old recordings of audiences", forget_recordings, timedelta(hours=6))
    logs = Tab("audience_logs", "Audience logs", "audiences:source_audience_logs", lambda row: areas.any_on((STUDIO,)))
    tabs.register(Kind.SOURCE, logs)
    clockwork.register("take samples of parent models", samples_due, timedelta(minutes=1))
    clockwork.register("take up lost samples", take_up_samples, timedelta(minutes=1))
    clockwork.register("drop old samples", drop_old_samples, timedelta(minutes=5))
    contents.register_eraser(drop_samples_of)
    privacy.register("samples", "audiences.privacy.samples.SampleHolder")
    clockwork.register("delete old counts of audiences", forget_counts, timedelta(hours=1))
    clockwork.register("take up lost counts of audiences", take_up_counts, timedelta(seconds=30))
    clockwork.register("count audiences once a day", count_daily, timedelta(minutes=5))
    clockwork.register("count audiences that were sent", count_after_runs, timedelta(seconds=20))


def require_sending(actor: Actor, model: Model) -> None:
    """Raise unless the actor sees the audience of a model; its subsets are asked for with the rights to send it."""
    from audiences import access

    access.audience_of_model(actor, model.pk)


def space_of(model: Model) -> Space | None:
    """The part of the workspace that an audience belongs to, and so its syncs."""
    return Audience.objects.select_related("space").get(model=model).space


def move_with_sync(actor: Actor, model: Model, folder: Folder | None) -> None:
    """Move the audience of a sync that is moved, and so its other syncs."""
    from audiences import access
    from audiences.services.organizing import move_audience

    move_audience(actor=actor, audience=access.audience_of_model(actor, model.pk), folder=folder)


def empty_folders(actor: Actor, folder_ids: Sequence[int]) -> list[Outcome]:
    """Delete the audiences in folders: as long as some can go, as those may be what others were conditions of."""
    from audiences.access import audiences_in_view
    from audiences.services.audiences import delete_audience

    done: list[Outcome] = []
    while True:
        rows = audiences_in_view(actor).filter(folder__in=folder_ids).order_by("-pk")
        outcomes = bulk.each(rows, lambda audience: delete_audience(actor=actor, audience=audience))
        gone = [outcome for outcome in outcomes if not outcome.error]
        if not gone or len(gone) == len(outcomes):
            return done + outcomes
        done += gone


def find_labels(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Labels of audiences, each leading to the list."""
    from audiences.access import audiences_in_view

    if not areas.any_on((STUDIO,)):
        return
    url = reverse("audiences:audiences", args=[request.workspace.slug])
    for label in labels_in(audiences_in_view(request.actor)):
        if words.lower() in label.lower():
            yield Hit(label.replace("=", ": ", 1), "Label of audiences", f"{url}?{urlencode({'label': label})}")


def asked_for(sync: Sync, columns: Sequence[str], at: datetime) -> Asked:
    """What a run of an audience's sync asks the source."""
    from audiences import syncing  # on first use: starting Django loads no connector

    return syncing.asked_for(sync, columns, at)


def take_up_counts(now: datetime) -> int:
    """Let workers count what their messages or other workers lost."""
    from audiences.services.audiences import take_up_lost_calculations

    return take_up_lost_calculations(now)


def group_begun(request: HttpRequest, model: Model) -> str:
    """The group that a sync which somebody is adding is for, if they began there."""
    from audiences.selectors.experiments import group_words
    from audiences.views.intents import intended_group

    group_id = intended_group(request, model.pk)
    return group_words(group_id) if group_id is not None else ""


def sync_made(request: HttpRequest, sync: Sync) -> None:
    """Somebody added a sync of an audience: it is for the group from which they began, if they did so there."""
    from audiences.views.experiments import take_intent

    take_intent(request, sync)


def for_groups(sync: Sync, group_ids: Sequence[int]) -> list[str]:
    """Let a new sync of an audience send groups of its experiment alone."""
    from audiences.services.experiments import put_into_groups

    return put_into_groups(sync, group_ids)


def run_prepared(run: Run) -> None:
    """A run of an audience's sync knows its rows."""
    from audiences.services.layers import count_layers_of_run

    count_layers_of_run(run)


def run_ended(run: Run) -> None:
    """A run of an audience's sync has ended.

    An experiment has begun once anybody of a group was reached, however many others were rejected or not attempted.
    """
    from audiences.services.experiments import launch
    from audiences.services.recordings import record_run

    if run.status == RunStatus.SUCCEEDED or run.succeeded:
        launch(run)
    if run.status == RunStatus.SUCCEEDED or (run.status == RunStatus.WARNING and run.succeeded):
        record_run(run)


def erase_members(sync: Sync, keys: frozenset[str]) -> Sequence[tuple[str, int]]:
    """Forget people in the history of the audience that a sync sends: where, and how many entries."""
    from audiences.services.recordings import erase_from_history
    from audiences.syncing import audience_of

    place, count = erase_from_history(audience_of(sync.model_id), keys)
    return [(str(sync.model.source) if place == LogPlace.WAREHOUSE else "", count)] if place else []


def unseen_in(model: Model) -> frozenset[str]:
    """The columns of an audience that are sent and that nobody sees."""
    from audiences.syncing import unseen_columns

    return unseen_columns(model.pk)


def snapshots_due(now: datetime) -> int:
    """Let workers take snapshots that are due by schedule."""
    from audiences.services.recordings import ask_for_due_snapshots

    return ask_for_due_snapshots(now)


def take_up_logs(now: datetime) -> int:
    """Let workers write the logs of audiences that a lost message or worker left."""
    from audiences.services.recordings import take_up_recordings

    return take_up_recordings(now)


def forget_recordings(now: datetime) -> int:
    """Delete what is remembered about old recordings."""
    from audiences.services.recordings import forget_old_recordings

    return forget_old_recordings(now)


def samples_due(now: datetime) -> int:
    """Let workers take samples that are due by schedule."""
    from audiences.services.sampling import ask_for_due_samples

    return ask_for_due_samples(now)


def take_up_samples(now: datetime) -> int:
    """Let workers take samples that a lost message or worker left."""
    from audiences.services.sampling import take_up_lost_samples

    return take_up_lost_samples(now)


def drop_old_samples(now: datetime) -> int:
    """Let workers drop samples that nobody reads any more."""
    from audiences.services.sampling import ask_to_drop_tables

    return ask_to_drop_tables(now)


def drop_samples_of(workspace_id: int) -> None:
    """Drop what a deleted workspace left in its sources."""
    from audiences.sampling import drop_all_of

    drop_all_of(workspace_id)


def forget_counts(now: datetime) -> int:
    """Delete what was counted for builders a day ago, and sizes that are too old for any chart."""
    from audiences.services.audiences import forget_old_calculations
    from audiences.services.sizes import forget_old_sizes

    return forget_old_calculations(now) + forget_old_sizes(now)


def count_after_runs(now: datetime) -> int:
    """Let workers count audiences that runs have sent."""
    from audiences.services.sizes import ask_for_sizes_after_runs

    return ask_for_sizes_after_runs()


def count_daily(now: datetime) -> int:
    """Let workers count the audiences that nobody has counted today."""
    from audiences.services.sizes import ask_for_daily_sizes

    return ask_for_daily_sizes(now)


def look_again(now: datetime) -> int:
    """Let workers find suggested values that are due again."""
    from audiences.services.looks import ask_for_due_looks  # on first use: starting Django loads no connector

    return ask_for_due_looks(now)


def new_model_url(slug: str, source_id: int) -> str:
    """Where a schema model of this source is made."""
    return reverse("audiences:schema_define", args=[slug, source_id])


def models_of_source(actor: Actor, source_id: int, limit: int) -> Sequence[Dependant]:
    """The first schema models of a source."""
    rows = SchemaModel.objects.filter(source_id=source_id).select_related("workspace").order_by("name", "id")
    return [Dependant("schema model", model.name, model.get_absolute_url()) for model in rows[:limit]]


def model_counts(actor: Actor, source_ids: Sequence[int]) -> Mapping[int, int]:
    """How many schema models each of several sources has."""
    rows = SchemaModel.objects.filter(source_id__in=source_ids).order_by().values_list("source_id")
    return dict(rows.annotate(Count("pk")))


def made_by(organization_id: int, user_id: int) -> QuerySet[SchemaModel]:
    """The schema models that a person made, in all workspaces of the organization."""
    return SchemaModel.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def audiences_made_by(organization_id: int, user_id: int) -> QuerySet[Audience]:
    """The audiences that a person made, in all workspaces of the organization."""
    return Audience.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def audiences_in_spaces(space_ids: Sequence[int]) -> Mapping[int, int]:
    """How many audiences each of several spaces holds."""
    rows = Audience.objects.filter(space__in=space_ids).order_by().values_list("space_id")
    return {pk: number for pk, number in rows.annotate(number=Count("pk")) if pk is not None}


def audiences_in_view(actor: Actor) -> QuerySet[Audience]:
    """The audiences that the actor sees."""
    return in_view(Audience.objects.all(), actor)


def audiences_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The audiences of a parent model; those that the actor does not see are counted, not named."""
    rows = Audience.objects.filter(parent_model=model)
    seen = list(audiences_in_view(actor).filter(parent_model=model).select_related("workspace"))
    named = [built.Dependant("audience", row.name, row.get_absolute_url()) for row in seen]
    return [*named, *built.unseen("an audience", rows.count() - len(seen))]


def templates_made_by(organization_id: int, user_id: int) -> QuerySet[AudienceTemplate]:
    """The templates of audiences that a person made, in all workspaces of the organization."""
    return AudienceTemplate.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def templates_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The templates of audiences of a parent model."""
    rows = AudienceTemplate.objects.filter(parent_model=model).select_related("workspace")
    return [built.Dependant("audience template", row.name, row.get_absolute_url()) for row in rows]


def lists_made_by(organization_id: int, user_id: int) -> QuerySet[ValueList]:
    """The lists of values that a person uploaded, in all workspaces of the organization."""
    return ValueList.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def traits_made_by(organization_id: int, user_id: int) -> QuerySet[Trait]:
    """The traits that a person made, in all workspaces of the organization."""
    return Trait.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def traits_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The traits of a model, and those of other models that are calculated from its rows."""
    from audiences.selectors.traits import traits_from  # on first use: starting Django loads no connector

    return [built.Dependant("trait", row.name, row.get_absolute_url()) for row in traits_from(model)]


def conditions_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """Whatever has conditions on the rows of a model, or passes it on the way to others."""
    from audiences.selectors.uses import users_of_model  # on first use: starting Django loads no connector

    return users_of_model(actor, model)


def priority_lists_made_by(organization_id: int, user_id: int) -> QuerySet[PriorityList]:
    """The priority lists that a person made, in all workspaces of the organization."""
    return PriorityList.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def priority_lists_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The priority lists of a parent model's audiences."""
    rows = PriorityList.objects.filter(parent_model=model).select_related("workspace")
    return [built.Dependant("priority list", row.name, row.get_absolute_url()) for row in rows]


def subsets_guard(actor: Actor, model: Model, rights: Iterable[Permission]) -> None:
    """Syncs of an audience take the subsets that it is built from, too."""
    from audiences.access import require_subsets_of_model  # on first use: starting Django loads no connector

    require_subsets_of_model(actor, model, rights)
