"""Samples of parent models: how they are taken, asking for one, and what a worker tells about its run.

A run makes all tables that it is for, and only then previews read them: one that fails, or is killed, leaves the
sample that there was.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audiences import access
from audiences.choices import STUDIO, Every, LookState, SampleEvery
from audiences.models import SampledModel, SampleTable, Sampling, SchemaModel
from audiences.selectors.sampling import due_models, sampled_ways
from audiences.selectors.schema import studio_schema
from config.errors import Conflict, Invalid
from config.queue import enqueue
from connectors.services.planner import require_write_access
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.areas import off
from workspaces.scoping import unscoped

AUDITED = ("enabled", "percent", "every")
LEAST, MOST = Decimal("0.01"), Decimal(100)
LOST_AFTER = timedelta(minutes=2)
IN_USE = timedelta(minutes=20)  # as long as a question may take
AT_ONCE = 50
LIVE = (LookState.WAITING, LookState.RUNNING)
# A sample that is turned on again is due at once, as its tables were dropped.
_NEVER_RAN = {"state": LookState.NONE, "ran_at": None, "error_message": "", "error_hint": ""}


@service("schema_model.sampling_changed")
def change_sampling(
    *,
    actor: Actor,
    parent: SchemaModel,
    enabled: bool | None = None,
    percent: Any = None,
    every: str | None = None,
    models: Mapping[int, str] | None = None,
) -> Sampling:
    """Choose how a parent model is sampled; what is ``None`` stays. ``models`` are those sampled with it, by id.

    What is not sampled any more is dropped from the source.
    """
    parent = access.schema_model_to_change(actor, parent.pk)
    if not parent.is_parent or parent.archived_at is not None:
        raise Conflict(f"{parent.name} is not sampled by itself.", hint="Sampling is set up on a parent model.")
    sampling = sampling_of(parent)
    if sampling.pk:  # workers and the scheduler write to it as well
        sampling = Sampling.objects.select_for_update(no_key=True, of=("self",)).get(pk=sampling.pk)
    before = _described(sampling)
    if enabled and not sampling.enabled:
        require_write_access(parent.source)
    sampling.enabled = sampling.enabled if enabled is None else enabled
    sampling.percent = sampling.percent if percent is None else _percent(percent)
    if every is not None and every not in Every.values:
        raise Invalid.field("every", f"There is no interval “{every}”.")
    sampling.every = sampling.every if every is None else every
    chosen = _checked(parent, models) if models is not None else None
    sampling.save()
    _store(sampling, chosen)
    if not sampling.enabled:
        _drop(SampleTable.objects.filter(sampling=sampling))
        Sampling.objects.filter(pk=sampling.pk).update(state=LookState.NONE, attempt=sampling.attempt + 1)
        sampling.sampled.update(**_NEVER_RAN)
    changed = changes(before, _described(sampling))
    if not changed:
        unchanged()
        return sampling
    record(parent, before=changed.before, after=changed.after)
    return Sampling.objects.select_related("parent_model__source").get(pk=sampling.pk)


@service("schema_model.sampling_asked")
def run_sampling(*, actor: Actor, parent: SchemaModel) -> Sampling:
    """Let a worker take a new sample of a parent and of all models that are sampled with it."""
    parent = access.schema_model_to_change(actor, parent.pk)
    sampling = Sampling.objects.select_for_update(no_key=True).filter(parent_model=parent, enabled=True).first()
    if sampling is None:
        raise Conflict(f"Sampling of {parent.name} is off.", hint="Turn it on first.")
    require_write_access(parent.source)
    if sampling.live:
        unchanged()
        return sampling
    _ask(sampling, list(sampling.sampled.values_list("model_id", flat=True)))
    record(parent, after={"percent": sampling.percent})
    return sampling


def sampling_of(parent: SchemaModel) -> Sampling:
    """How a parent is sampled; as it would be, where nobody has said."""
    found = Sampling.objects.select_related("parent_model__source").filter(parent_model=parent).first()
    salt = secrets.token_hex(8)
    return found or Sampling(workspace_id=parent.workspace_id, parent_model=parent, salt=salt)


def _percent(given: Any) -> Decimal:
    try:
        percent = Decimal(str(given)).quantize(LEAST)
    except InvalidOperation:
        percent = Decimal(0)
    if not LEAST <= percent <= MOST:
        raise Invalid.field("percent", f"A sample is between {LEAST} and {MOST} percent.")
    return percent


def _checked(parent: SchemaModel, models: Mapping[int, str]) -> dict[int, SampleEvery]:
    known = sampled_ways(studio_schema(parent.source), parent.pk)
    if set(models) - set(known):
        raise Invalid.field("models", f"Choose models that are related to {parent.name}.")
    if set(models.values()) - set(SampleEvery.values):
        raise Invalid.field("models", f"Choose one of {', '.join(SampleEvery.values)} for each model.")
    return {pk: SampleEvery(every) for pk, every in models.items() if pk != parent.pk}


def _described(sampling: Sampling) -> dict[str, Any]:
    if sampling._state.adding:
        return {"enabled": False}
    rows = sampling.sampled.exclude(model_id=sampling.parent_model_id).select_related("model")
    return {**snapshot(sampling, AUDITED), "models": {row.model.name: row.every for row in rows}}


def _store(sampling: Sampling, chosen: Mapping[int, SampleEvery] | None) -> None:
    """The models that are sampled: always the parent, and what was chosen."""
    own = {"workspace_id": sampling.workspace_id, "sampling": sampling}
    SampledModel.objects.get_or_create(sampling=sampling, model_id=sampling.parent_model_id, defaults=own)
    if chosen is None:
        return
    beside = sampling.sampled.exclude(model_id=sampling.parent_model_id)
    gone = list(beside.exclude(model_id__in=chosen).values_list("model_id", flat=True))
    _drop(SampleTable.objects.filter(sampling=sampling, model_id__in=gone))
    beside.filter(model_id__in=gone).delete()
    for pk, every in chosen.items():
        SampledModel.objects.update_or_create(
            sampling=sampling, model_id=pk, defaults={"every": every}, create_defaults={**own, "every": every}
        )


def stop_sampling(model: SchemaModel) -> None:
    """A model goes out of use: so do its samples, and those of what is sampled with it."""
    Sampling.objects.filter(parent_model=model).update(enabled=False, state=LookState.NONE)
    SampledModel.objects.filter(sampling__parent_model=model).update(**_NEVER_RAN)
    SampledModel.objects.filter(model=model).exclude(sampling__parent_model=model).delete()
    _drop(SampleTable.objects.filter(Q(model=model) | Q(sampling__parent_model=model)))


def _drop(tables: Any) -> None:
    """Let a worker drop tables from the source at once."""
    from audiences.tasks import drop_samples

    rows = list(tables.select_for_update(no_key=True, of=("self",)))
    SampleTable.objects.filter(pk__in=[row.pk for row in rows]).update(drop_at=timezone.now())
    for source_id in {row.source_id for row in rows}:
        enqueue(drop_samples, rows[0].workspace_id, source_id)


# What a worker tells.


def _ask(sampling: Sampling, models: Sequence[int]) -> None:
    """Let a worker sample these models of a locked or new sampling."""
    from audiences.tasks import take_sample

    sampling.state, sampling.wanted = LookState.WAITING, sorted(models)
    sampling.asked_at, sampling.beat_at = timezone.now(), None
    sampling.save(update_fields=["state", "wanted", "asked_at", "beat_at"])
    sampling.sampled.filter(model_id__in=models).update(state=LookState.WAITING)
    enqueue(take_sample, sampling.workspace_id, sampling.pk)


@transaction.atomic
def begin_sample(sampling_id: int) -> Sampling | None:
    """Take a run that waits; nothing where somebody else has it. What an earlier attempt left is dropped."""
    rows = Sampling.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    rows = rows.select_related("parent_model__source", "workspace")
    sampling = rows.filter(pk=sampling_id, enabled=True, state=LookState.WAITING).first()
    if sampling is None:
        return None
    sampling.state, sampling.attempt, sampling.beat_at = LookState.RUNNING, sampling.attempt + 1, timezone.now()
    sampling.save(update_fields=["state", "attempt", "beat_at"])
    sampling.sampled.filter(model_id__in=sampling.wanted).update(state=LookState.RUNNING)
    SampleTable.objects.filter(sampling=sampling, made_at=None).update(drop_at=timezone.now())
    return sampling


def _own(sampling: Sampling) -> Any:
    """The run as long as it is this worker's."""
    return Sampling.objects.filter(pk=sampling.pk, state=LookState.RUNNING, attempt=sampling.attempt)


def beat_sample(sampling: Sampling) -> bool:
    """Whether the run is still this worker's; asking tells that somebody is at it."""
    return bool(_own(sampling).update(beat_at=timezone.now()))


def note_table(sampling: Sampling, model: SchemaModel, name: str, made_of: str) -> SampleTable:
    """A table is about to be made."""
    return SampleTable.objects.create(
        workspace_id=sampling.workspace_id,
        source_id=sampling.parent_model.source_id,
        sampling=sampling,
        model=model,
        model_name=model.name,
        name=name,
        percent=sampling.percent,
        salt=sampling.salt,
        made_of=made_of,
    )


@transaction.atomic
def finish_sample(sampling: Sampling, rows: Mapping[int, int]) -> bool:
    """All tables are there: previews read them from now on. ``rows`` by table. False for a run that was lost."""
    if not _own(sampling).select_for_update(no_key=True).exists():
        return False
    now = timezone.now()
    made = list(SampleTable.objects.filter(pk__in=rows))
    before = SampleTable.objects.filter(sampling=sampling, made_at__isnull=False, drop_at=None)
    before.filter(model_id__in=[each.model_id for each in made]).update(drop_at=now + IN_USE)
    for each in made:
        each.rows, each.made_at = rows[each.pk], now
    SampleTable.objects.bulk_update(made, ["rows", "made_at"])
    fine = {"state": LookState.DONE, "ran_at": now, "error_message": "", "error_hint": ""}
    sampling.sampled.filter(model_id__in=[each.model_id for each in made]).update(**fine)
    _own(sampling).update(state=LookState.DONE)
    return True


@transaction.atomic
def fail_sample(sampling: Sampling, model: SchemaModel | None, message: str, hint: str) -> None:
    """Keep why there is no new sample, at the model where it went wrong; the one that there was stays."""
    if not _own(sampling).update(state=LookState.FAILED):
        return
    SampleTable.objects.filter(sampling=sampling, made_at=None).update(drop_at=timezone.now())
    failed = {"state": LookState.FAILED, "ran_at": timezone.now()}
    rows = sampling.sampled.filter(model_id__in=sampling.wanted)
    words = {"error_message": message[:2000], "error_hint": hint[:2000]}
    if model is None:
        rows.update(**failed, **words)
        return
    why = f"Nothing of this run was taken over, as {model.name} could not be sampled."
    rows.exclude(model=model).update(**failed, error_message=why, error_hint="")
    rows.filter(model=model).update(**failed, **words)


def lose_model(sampling: Sampling, model: SchemaModel) -> None:
    """A model cannot be sampled with the parent any more, as the schema was changed."""
    words = f"{model.name} is not related to {sampling.parent_model.name} any more, or in too many ways."
    failed = {"state": LookState.FAILED, "ran_at": timezone.now(), "error_message": words}
    sampling.sampled.filter(model=model).update(**failed, error_hint="It is read in full.")
    SampleTable.objects.filter(sampling=sampling, model=model).update(drop_at=timezone.now())


def put_back_sample(sampling: Sampling) -> None:
    """This process ends: another worker takes the sample."""
    from audiences.tasks import take_sample

    with transaction.atomic():
        if _own(sampling).update(state=LookState.WAITING, beat_at=timezone.now()):
            enqueue(take_sample, sampling.workspace_id, sampling.pk)


# What the scheduler asks for.


def ask_for_due_samples(now: datetime) -> int:
    """Let workers take the samples that are due by schedule: for the scheduler."""
    made = 0
    with unscoped("models of all workspaces are sampled by the same scheduler"), transaction.atomic():
        wanted = Sampling.objects.exclude(off(STUDIO)).filter(enabled=True, parent_model__archived_at=None)
        idle = wanted.exclude(state__in=LIVE)
        # Those that are sampled when asked only, or rarely, must not hide the others behind them.
        for known in idle.prefetch_related("sampled").order_by("asked_at", "pk").iterator(chunk_size=200):
            models = due_models(known, known.sampled.all(), now)
            free = idle.filter(pk=known.pk).select_for_update(no_key=True, skip_locked=True, of=("self",))
            if models and (sampling := free.first()):
                _ask(sampling, models)
                made += 1
            if made == AT_ONCE:
                break
    return made


def take_up_lost_samples(now: datetime) -> int:
    """Send again what a lost message or worker left: for the scheduler."""
    from audiences.tasks import take_sample

    lost = Q(beat_at__lt=now - LOST_AFTER) | Q(beat_at=None, asked_at__lt=now - LOST_AFTER)
    with unscoped("samples of all workspaces are taken up by the same scheduler"), transaction.atomic():
        rows = Sampling.objects.select_for_update(no_key=True, skip_locked=True)
        found = list(rows.filter(lost, state__in=LIVE, enabled=True).order_by("pk")[:AT_ONCE])
        Sampling.objects.filter(pk__in=[each.pk for each in found]).update(state=LookState.WAITING, beat_at=now)
        for sampling in found:
            enqueue(take_sample, sampling.workspace_id, sampling.pk)
    return len(found)


def ask_to_drop_tables(now: datetime) -> int:
    """Let workers drop the tables that nobody reads any more: for the scheduler."""
    from audiences.tasks import drop_samples

    with unscoped("samples of all workspaces are dropped by the same scheduler"), transaction.atomic():
        rows = SampleTable.objects.filter(unread(now)).order_by()
        found = list(rows.values_list("workspace_id", "source_id").distinct()[:AT_ONCE])
        for workspace_id, source_id in found:
            enqueue(drop_samples, workspace_id, source_id)
    return len(found)


def unread(now: datetime) -> Q:
    """The condition under which nobody reads a table any more."""
    left_behind = Q(made_at=None) & ~Q(sampling__state__in=LIVE)
    return Q(drop_at__lte=now) | Q(sampling=None) | Q(model=None) | left_behind


def forget_table(table: SampleTable) -> None:
    """The table is gone from the source."""
    table.delete()
