"""What the audiences of a source log, and what workers write down about each time they are logged."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from audiences import access
from audiences.choices import STUDIO, Every, LogPlace, RecordingReason, RecordingState
from audiences.models import Audience, AudienceLogs, Experiment, Recording
from config.errors import Conflict, Invalid
from config.queue import enqueue
from connectors import access as connections
from connectors.choices import Kind
from connectors.models import Source
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from syncs.models import Run
from workspaces.areas import off
from workspaces.scoping import unscoped

AUDITED = ("snapshots", "holdouts", "every")
ATTEMPTS = 5
PAUSES = (10, 60, 300, 900)
LOST_AFTER = timedelta(minutes=5)
AT_ONCE = 200
KEPT = timedelta(days=365)
_LIVE = (RecordingState.WAITING, RecordingState.RUNNING)


@service("source.audience_logs_changed")
def change_audience_logs(
    *, actor: Actor, source: Source, snapshots: bool, holdouts: bool, every: str = Every.NEVER
) -> AudienceLogs:
    """Choose what the audiences of a source log. What was logged so far stays."""
    source = connections.source_for(actor, source.pk, connections.MANAGE[Kind.SOURCE], lock=True)
    if every not in Every.values:
        raise Invalid.field("every", f"There is no interval “{every}”.")
    if every and not snapshots:
        raise Invalid.field("every", "Snapshots are taken by schedule only where they are on.")
    logs = logs_of(source)
    before = snapshot(logs, AUDITED)
    logs.snapshots, logs.holdouts, logs.every = snapshots, holdouts, every
    changed = changes(before, snapshot(logs, AUDITED))
    if not changed:
        unchanged()
        return logs
    logs.save()
    record(source, before=changed.before, after=changed.after)
    return logs


@service("audience.snapshot_taken")
def take_snapshot(*, actor: Actor, audience: Audience) -> Recording:
    """Let a worker write down who is in an audience now."""
    audience = access.audience_for(actor, audience.pk)
    access.require_build(actor, audience.parent_model_id)
    if len(audience.parent_model.primary_key) != 1:
        raise Conflict(f"The key of {audience.parent_model.name} has several columns: a history goes by one.")
    if Recording.objects.filter(audience=audience, state__in=_LIVE, run=None).exists():
        raise Conflict("A snapshot is being taken already.", hint="It is in the list in a moment.")
    made = _begun(audience, RecordingReason.ASKED)
    record(audience, after={"recording": made.pk})
    return made


def logs_of(source: Source) -> AudienceLogs:
    """What the audiences of a source log; nothing where nobody has said."""
    found = AudienceLogs.objects.select_related("source").filter(source=source).first()
    return found or AudienceLogs(workspace_id=source.workspace_id, source=source)


def record_run(run: Run) -> None:
    """A run of an audience's sync has succeeded: write down what is wanted, and always what an experiment needs.

    Who was in which group when cannot be found out later.
    """
    audience = Audience.objects.select_related("parent_model__source").filter(model_id=run.sync.model_id).first()
    if audience is None:
        return
    logs = logs_of(audience.parent_model.source)
    begun = Experiment.objects.filter(audience=audience, ended_at=None, launched_at__isnull=False).exists()
    if logs.snapshots or logs.holdouts or begun:
        _begun(audience, RecordingReason.RUN, run)


def _begun(audience: Audience, reason: RecordingReason, run: Run | None = None) -> Recording:
    from audiences.tasks import write_recording

    _decide_place(audience.parent_model.source)
    made = Recording.objects.create(
        workspace_id=audience.workspace_id, audience=audience, run=run, reason=reason, moment=timezone.now()
    )
    enqueue(write_recording, made.workspace_id, made.pk)
    return made


def _decide_place(source: Source) -> None:
    """With the first entry it is decided where the history is."""
    from audiences.history_places import place_for  # on first use: a web process writes no history

    logs = logs_of(source)
    if not logs.place:
        logs.place = place_for(source)
        logs.save()


def begin_recording(recording_id: int) -> Recording | None:
    """Take a recording that waits; nothing where somebody has it, or writes an earlier one of the same audience."""
    with transaction.atomic():
        found = Recording.objects.filter(pk=recording_id, state=RecordingState.WAITING).first()
        if found is None:
            return None
        Audience.objects.select_for_update(no_key=True).get(pk=found.audience_id)
        earlier = Recording.objects.filter(audience_id=found.audience_id, state__in=_LIVE, pk__lt=recording_id)
        waiting = Recording.objects.filter(pk=recording_id, state=RecordingState.WAITING)
        if earlier.exists() or not waiting.update(
            state=RecordingState.RUNNING, beat_at=timezone.now(), attempts=found.attempts + 1
        ):
            return None
    related = ("audience__parent_model__source", "audience__workspace", "run__sync__model__source", "workspace")
    return Recording.objects.select_related(*related).get(pk=recording_id)


def beat(recording: Recording) -> None:
    """Somebody is at it."""
    Recording.objects.filter(pk=recording.pk, state=RecordingState.RUNNING).update(beat_at=timezone.now())


def finish_recording(recording: Recording, **counts: int) -> None:
    """Remember how much was written, and go on with the next one of the audience."""
    _ended(recording, RecordingState.DONE, error_message="", error_hint="", **counts)


def fail_recording(recording: Recording, message: str, hint: str) -> None:
    """Remember why nothing was written; a few times it is tried again, a little later each time."""
    words = {"error_message": message[:2000], "error_hint": hint[:2000]}
    if recording.attempts >= ATTEMPTS:
        _ended(recording, RecordingState.FAILED, **words)
        return
    later = timezone.now() + timedelta(seconds=PAUSES[min(recording.attempts, len(PAUSES)) - 1])
    running = Recording.objects.filter(pk=recording.pk, state=RecordingState.RUNNING)
    running.update(state=RecordingState.WAITING, beat_at=later - LOST_AFTER, **words)


def _ended(recording: Recording, state: RecordingState, **found: int | str) -> None:
    from audiences.tasks import write_recording

    with transaction.atomic():
        running = Recording.objects.filter(pk=recording.pk, state=RecordingState.RUNNING)
        running.update(state=state, finished_at=timezone.now(), **found)
        following = Recording.objects.filter(audience_id=recording.audience_id, state=RecordingState.WAITING)
        if next_one := following.order_by("pk").first():
            enqueue(write_recording, next_one.workspace_id, next_one.pk)


def ask_for_due_snapshots(now: datetime) -> int:
    """Let workers take the snapshots that are due by schedule, of audiences that syncs send: for the scheduler."""
    made = 0
    with unscoped("snapshots of all workspaces are taken by the same scheduler"), transaction.atomic():
        newest = Recording.objects.filter(audience=OuterRef("pk")).order_by("-moment").values("moment")[:1]
        live = Recording.objects.filter(audience=OuterRef("pk"), state__in=_LIVE)
        for every in Every:
            if every.span is None:
                continue
            rows = Audience.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            rows = (
                rows.exclude(off(STUDIO))
                .filter(
                    parent_model__source__audience_logs__every=every,
                    parent_model__archived_at=None,
                    model__isnull=False,
                )
                .annotate(newest=Subquery(newest))
            )
            due = rows.filter(Q(newest=None) | Q(newest__lt=now - every.span), ~Exists(live))
            for audience in due.select_related("parent_model__source").order_by("pk")[:AT_ONCE]:
                _begun(audience, RecordingReason.SCHEDULE)
                made += 1
    return made


def take_up_recordings(now: datetime) -> int:
    """Send again what a lost message or worker left, or what is to be tried again: for the scheduler."""
    from audiences.tasks import write_recording

    silent = Q(beat_at__lt=now - LOST_AFTER) | Q(beat_at=None, moment__lt=now - LOST_AFTER)
    with unscoped("recordings of all workspaces are taken up by the same scheduler"), transaction.atomic():
        rows = Recording.objects.select_for_update(no_key=True, skip_locked=True)
        lost = list(rows.filter(silent, state__in=_LIVE).order_by("pk")[:AT_ONCE])
        Recording.objects.filter(pk__in=[each.pk for each in lost]).update(state=RecordingState.WAITING, beat_at=now)
        for recording in lost:
            enqueue(write_recording, recording.workspace_id, recording.pk)
    return len(lost)


def forget_old_recordings(now: datetime) -> int:
    """Delete what is remembered about recordings after a year; what they wrote stays. For the scheduler."""
    with unscoped("recordings of all workspaces are deleted by the same scheduler"):
        return Recording.objects.filter(moment__lt=now - KEPT).exclude(state__in=_LIVE).delete()[0]


def erase_from_history(audience: Audience, keys: frozenset[str]) -> tuple[LogPlace | str, int]:
    """Delete everything about these keys from the history of an audience: where it is, and how many entries."""
    from audiences.history_places import place_of

    logs = logs_of(audience.parent_model.source)
    if not logs.place or not keys:
        return "", 0
    return LogPlace(logs.place), place_of(logs).erase(audience, keys)
