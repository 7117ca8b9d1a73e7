"""Writes to experiments: groups, their shares, and the syncs that are for some of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from audiences import access
from audiences.choices import CalculationKind
from audiences.definitions import schema_with_audiences, subsets_of
from audiences.models import Audience, Calculation, Experiment, ExperimentGroup, SyncGroup
from audiences.query.schema import Surface
from audiences.query.splits import Stretch, allocate, resize
from audiences.selectors.experiments import groups_of_sync, running_experiment, stretches_of
from audiences.services.checks import checked_name
from config.errors import Conflict, Invalid, NotFound
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from syncs import access as sync_access
from syncs.choices import ScheduleKind
from syncs.models import Run, Sync

FEWEST, MOST = 2, 20


@dataclass(frozen=True, slots=True)
class GroupProposal:
    """A group as somebody wants it; ``percent`` has two decimals at most, ``id`` is empty for a new one."""

    name: str
    percent: Decimal
    id: int | None = None


@service("experiment.enabled")
def enable_experiment(
    *, actor: Actor, audience: Audience, groups: Sequence[GroupProposal], stratify: Sequence[str] = ()
) -> Experiment:
    """Divide an audience into groups. Nothing is sent otherwise before a sync is for one of them."""
    audience = access.audience_to_change(actor, audience.pk)
    if running_experiment(audience):
        raise Conflict(f"“{audience}” has experiment groups already.", hint="Change those.")
    wanted = _checked(groups)
    experiment = Experiment.objects.create(
        workspace_id=audience.workspace_id,
        audience=audience,
        salt=secrets.token_hex(16),
        stratify=_strata(audience, stratify),
        created_by_id=actor.user_id,
    )
    _store(experiment, wanted)
    record(experiment, after=_described(experiment))
    return experiment


@service("experiment.changed")
def change_experiment(
    *,
    actor: Actor,
    audience: Audience,
    groups: Sequence[GroupProposal],
    stratify: Sequence[str] | None = None,
    anyway: bool = False,
) -> Experiment:
    """Rename, resize, add or remove groups. The fewest members move, and after the launch only ``anyway``."""
    audience = access.audience_to_change(actor, audience.pk)
    experiment = _running(audience)
    before = _described(experiment)
    wanted = _checked(groups)
    kept = {proposal.id for proposal in wanted}
    known = {group.pk: group for group in experiment.groups.all()}
    if strange := kept - {None} - set(known):
        raise NotFound(f"There is no group {min(pk for pk in strange if pk)} in this experiment.")
    gone = [group for pk, group in known.items() if pk not in kept]
    if used := SyncGroup.objects.filter(group__in=gone).select_related("group").first():
        raise Conflict(f"A sync is for “{used.group}”.", hint="Choose other groups for that sync, or delete it, first.")
    strata = experiment.stratify if stratify is None else _strata(audience, stratify)
    if strata and strata != experiment.stratify:
        _require_by_hand(Sync.objects.filter(experiment_groups__group__experiment=experiment))
    moved = moved_slots(experiment, wanted)
    if experiment.launched_at and not anyway and (moved or strata != experiment.stratify):
        share = "all" if strata != experiment.stratify else f"{moved / 100:g} %"
        raise Conflict(
            f"The experiment has begun: {share} of the members would change their group, and what was measured of "
            "them before would count for another.",
            hint="Leave the shares as they are, or say that the groups are to change anyway.",
            code="launched",
        )
    experiment.stratify = strata
    _store(experiment, wanted, gone)
    changed = changes(before, _described(experiment))
    if not changed:
        unchanged()
        return experiment
    record(experiment, before=changed.before, after=changed.after)
    return experiment


@service("experiment.disabled")
def disable_experiment(*, actor: Actor, audience: Audience) -> None:
    """End an experiment for whose groups there is no sync any more; what was logged of it stays."""
    audience = access.audience_to_change(actor, audience.pk)
    experiment = _running(audience)
    if count := Sync.objects.filter(experiment_groups__group__experiment=experiment).distinct().count():
        raise Conflict(
            f"{count:,} sync{' is' if count == 1 else 's are'} for single groups of it, and would send everybody.",
            hint="Delete them, or let them send everybody, first.",
        )
    experiment.ended_at = timezone.now()
    experiment.save(update_fields=["ended_at", "updated_at"])
    record(experiment, before=_described(experiment))


@service("sync.groups_chosen")
def choose_sync_groups(*, actor: Actor, sync: Sync, group_ids: Iterable[int]) -> Sync:
    """Say which groups of its audience's experiment a sync is for; none of them means everybody."""
    sync = sync_access.sync_to_configure(actor, sync.pk)
    before = [group.name for group in groups_of_sync(sync)]
    after = put_into_groups(sync, group_ids)
    if before == after:
        unchanged()
        return sync
    record(sync, before={"groups": before}, after={"groups": after})
    return sync


def put_into_groups(sync: Sync, group_ids: Iterable[int]) -> list[str]:
    """Let a locked or new sync be for these groups of its audience's experiment; their names. For services."""
    audience = Audience.objects.select_for_update(no_key=True).filter(model_id=sync.model_id).first()
    if audience is None:
        raise Conflict("This sync sends no audience.")
    experiment, wanted = running_experiment(audience), set(group_ids)
    known = {group.pk: group for group in experiment.groups.all()} if experiment else {}
    if strange := wanted - set(known):
        raise NotFound(f"There is no group {min(strange)} in the experiment of “{audience}”.")
    chosen = [group for pk, group in known.items() if pk in wanted]
    if chosen and experiment and experiment.stratify:
        _require_by_hand([sync])
    SyncGroup.objects.filter(sync=sync).exclude(group__in=chosen).delete()
    rows = [SyncGroup(workspace_id=sync.workspace_id, sync=sync, group=group) for group in chosen]
    SyncGroup.objects.bulk_create(rows, ignore_conflicts=True)
    return [group.name for group in chosen]


@service("audience.groups_counted")
def count_groups(*, actor: Actor, audience: Audience) -> Calculation:
    """Let a worker count the members of each group."""
    from audiences.tasks import calculate

    audience = access.audience_for(actor, audience.pk)
    access.require_build(actor, audience.parent_model_id)
    experiment = _running(audience)
    made = Calculation.objects.create(
        workspace_id=audience.workspace_id,
        parent_model=audience.parent_model,
        audience=audience,
        kind=CalculationKind.GROUPS,
        question={"experiment": experiment.pk},
        definition=audience.definition,
        subset_ids=sorted(subset.pk for subset in subsets_of(audience)),
    )
    enqueue(calculate, made.workspace_id, made.pk)
    record(audience, after={"calculation": made.pk})
    return made


def launch(run: Run) -> None:
    """Note that the experiment has begun, once a sync of one of its groups has run."""
    rows = Experiment.objects.filter(groups__syncs__sync_id=run.sync_id, launched_at=None, ended_at=None)
    Experiment.objects.filter(pk__in=rows.values("pk")).update(launched_at=run.created_at)


def moved_slots(experiment: Experiment, wanted: Sequence[GroupProposal]) -> int:
    """How many of the 10,000 slots another group would get."""
    shares = {str(proposal.id): _share(proposal) for proposal in wanted if proposal.id}
    present = stretches_of(experiment.slots)
    held = {group: sum(each.size for each in present if each.group == group) for group in {s.group for s in present}}
    return sum(max(0, size - shares.get(group, 0)) for group, size in held.items())


def _running(audience: Audience) -> Experiment:
    experiment = running_experiment(audience)
    if experiment is None:
        raise Conflict(f"“{audience}” has no experiment groups.", hint="Enable them on its Experiments tab.")
    return experiment


def _checked(groups: Sequence[GroupProposal]) -> list[GroupProposal]:
    if not FEWEST <= len(groups) <= MOST:
        raise Invalid.field("groups", f"An experiment has {FEWEST} groups at least and {MOST} at most.")
    found = [GroupProposal(checked_name(each.name, "group"), each.percent, each.id) for each in groups]
    if len({each.name.lower() for each in found}) < len(found):
        raise Invalid.field("groups", "Two groups have the same name.")
    ids = [each.id for each in found if each.id]
    if len(set(ids)) < len(ids):
        raise Invalid.field("groups", "A group is there twice.")
    if any(_share(each) < 1 or each.percent != each.percent.quantize(Decimal("0.01")) for each in found):
        raise Invalid.field("groups", "Each group has 0.01 % at least, with two decimals at most.")
    if total := sum((each.percent for each in found), Decimal(0)) - 100:
        words = f"{abs(total):f} % too {'much' if total > 0 else 'little'}"
        raise Invalid.field("groups", f"The shares add up to 100 %: this is {words}.")
    return found


def _share(proposal: GroupProposal) -> int:
    return int(proposal.percent * 100)


def _store(experiment: Experiment, wanted: Sequence[GroupProposal], gone: Sequence[ExperimentGroup] = ()) -> None:
    """Groups and slots as they are wanted; names are set aside first, so that two may be exchanged."""
    known = {group.pk: group for group in experiment.groups.all()}
    for group in gone:
        group.delete()
    ExperimentGroup.objects.bulk_update(_set_aside(known.values(), gone), ["name"])
    shares: dict[str, int] = {}
    for position, proposal in enumerate(wanted):
        group = known.get(proposal.id or 0) or ExperimentGroup(
            workspace_id=experiment.workspace_id, experiment=experiment
        )
        group.name, group.share, group.position = proposal.name, _share(proposal), position
        group.save()
        shares[str(group.pk)] = group.share
    present = stretches_of(experiment.slots)
    experiment.slots = _stored(resize(present, shares) if present else allocate(shares))
    experiment.save(update_fields=["slots", "stratify", "updated_at"])
    experiment._prefetched_objects_cache = {}  # type: ignore[attr-defined]  # its groups are others now


def _set_aside(groups: Iterable[ExperimentGroup], gone: Sequence[ExperimentGroup]) -> list[ExperimentGroup]:
    kept = [group for group in groups if group not in gone]
    for group in kept:
        group.name = f"\N{ZERO WIDTH SPACE}{group.pk}"
    return kept


def _stored(stretches: Sequence[Stretch]) -> list[list[int]]:
    return [[each.start, each.end, int(each.group)] for each in stretches]


def _strata(audience: Audience, names: Sequence[str]) -> list[str]:
    """Columns to stratify by. Raises :class:`Invalid` for what the parent model lacks, or may not be synced."""
    model = schema_with_audiences(audience.parent_model.source).models[str(audience.parent_model_id)]
    chosen = list(dict.fromkeys(name for name in names if name))
    for name in chosen:
        column = model.column(name)
        if column is None or not column.may(Surface.FILTERS):
            raise Invalid.field("stratify", f"{model.name} has no column “{name}” that may be used.")
    return chosen


def _require_by_hand(syncs: Iterable[Sync]) -> None:
    if by_itself := next((sync for sync in syncs if sync.schedule_kind != ScheduleKind.MANUAL), None):
        raise Conflict(
            f"The sync to {by_itself.destination} runs by itself, and stratified groups are for a single delivery: "
            "with new members they move.",
            hint="Let it run by hand only, or do not stratify.",
        )


def _described(experiment: Experiment) -> Mapping[str, Any]:
    """The experiment as the audit log shows it."""
    groups = experiment.groups.order_by("position", "id")
    return {
        "audience": experiment.audience.name,
        "groups": [f"{group.name}: {group.percent} %" for group in groups],
        "stratify": list(experiment.stratify),
    }
