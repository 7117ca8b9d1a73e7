"""Fixed vocabularies: one internal status enum, and the one table that maps it to every other wording.

Pages, the REST API, warehouse logs and alerts each have their own words for
how a run or a sync is doing. They all come from :data:`WORDS`; nothing else in
Headrace spells a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db import models


class ModelMethod(models.TextChoices):
    """How a model names its rows."""

    SQL = "sql", "SQL query"
    TABLE = "table", "Table or view"
    AUDIENCE = "audience", "Audience"  # made by the studio, never chosen by hand


DEFINED = [(each.value, str(each.label)) for each in (ModelMethod.SQL, ModelMethod.TABLE)]


class ScheduleKind(models.TextChoices):
    """When a sync or a sequence runs by itself."""

    MANUAL = "manual", "Manual"
    INTERVAL = "interval", "Interval"
    CUSTOM = "custom", "Custom recurrence"
    CRON = "cron", "Cron expression"
    DBT_CLOUD = "dbt_cloud", "dbt Cloud"
    FIVETRAN = "fivetran", "Fivetran"


# Schedules that wait for jobs of a service, each with what a job is called there.
JOB_KINDS = {ScheduleKind.DBT_CLOUD: "job", ScheduleKind.FIVETRAN: "connection"}


class IntervalUnit(models.TextChoices):
    """Units of an interval schedule."""

    MINUTE = "minute", "minutes"
    HOUR = "hour", "hours"
    DAY = "day", "days"
    WEEK = "week", "weeks"


class Trigger(models.TextChoices):
    """What started a run."""

    MANUAL = "manual", "Manual"
    SCHEDULE = "schedule", "Schedule"
    API = "api", "API"
    RETRY = "retry", "Resumed after an interruption"
    RESET = "reset", "Model change"
    SEQUENCE = "sequence", "Sequence"
    REJECTED = "rejected", "Retry of rejected rows"


class PendingReset(models.TextChoices):
    """What the next run does instead of comparing with the last one."""

    NONE = "", "Nothing special"
    RESET = "reset", "Remember the rows, send nothing"
    RESYNC = "resync", "Send every row as added"
    CLEAR = "clear", "Empty the destination's list, then send every row as added"


class RunStatus(models.TextChoices):
    """How a run is doing: the one internal vocabulary."""

    ENQUEUED = "enqueued", "Waiting for a worker"
    QUERYING = "querying", "Querying the model"
    PREPARING = "preparing", "Computing changes"
    HELD = "held", "Held for a decision"
    QUEUED = "queued", "Waiting to write"
    WRITING = "writing", "Writing"
    SETTLING = "settling", "Recording results"
    SUCCEEDED = "succeeded", "Completed"
    WARNING = "warning", "Completed with errors"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    INTERRUPTED = "interrupted", "Interrupted"

    @property
    def live(self) -> bool:
        """Whether the run is still going."""
        return self in LIVE


LIVE = frozenset(
    {
        RunStatus.ENQUEUED,
        RunStatus.QUERYING,
        RunStatus.PREPARING,
        RunStatus.HELD,
        RunStatus.QUEUED,
        RunStatus.WRITING,
        RunStatus.SETTLING,
    }
)


class SyncState(StrEnum):
    """A sync without any run, or one that people stopped; otherwise its latest run speaks for it."""

    NEVER_RAN = "never_ran"
    SCHEDULE_OFF = "schedule_off"
    PAUSED = "paused"


Status = RunStatus | SyncState


class Health(StrEnum):
    """The four groups that overviews count."""

    HEALTHY = "healthy"
    WARNING = "warning"
    FAILED = "failed"
    IDLE = "idle"


class StepKind(models.TextChoices):
    """The stages of a run that a worker takes on."""

    PREPARE = "prepare", "Query and compare"
    PROVIDE = "provide", "Make what the rows go into"
    CLEAR = "clear", "Empty the list"
    DELIVER = "deliver", "Deliver a part"
    SETTLE = "settle", "Record results"
    LOG = "log", "Write logs to the warehouse"


class StepState(models.TextChoices):
    """Where a stage is."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"


class TriggerKind(models.TextChoices):
    """What may make a sync alert."""

    FATAL = "fatal", "Failed runs"
    REJECTED = "rejected", "Rejected rows"
    HELD = "held", "Held run"
    MODEL_SIZE = "model_size", "Model size"
    DURATION = "duration", "Duration"
    THROUGHPUT = "throughput", "Rows delivered"
    CONSENT = "consent", "Expired sign-in"


class AlertLevel(models.TextChoices):
    """How bad a trigger's state is."""

    OK = "ok", "No alert"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return (AlertLevel.OK, AlertLevel.WARNING, AlertLevel.CRITICAL).index(self)


class Subscription(models.TextChoices):
    """Which alerts a recipient is told of."""

    CRITICAL = "critical", "Critical only"
    ALL = "all", "Critical and warning"


class PreviewState(models.TextChoices):
    """Where a preview is."""

    WAITING = "waiting", "Waiting for a worker"
    RUNNING = "running", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Terminate(models.TextChoices):
    """When a step of a sequence ends the sequence."""

    REJECTED = "rejected", "Stop if it fails or rejects too many rows"
    FATAL = "fatal", "Stop only if it fails"
    NEVER = "never", "Go on whatever happens"


class LimitUnit(models.TextChoices):
    """How rejected rows are counted against a limit."""

    ANY = "any", "Any row"
    ROWS = "rows", "More than this many rows"
    PERCENT = "percent", "More than this % of its rows"


class SequenceStatus(models.TextChoices):
    """How a run of a sequence is doing."""

    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Completed"
    FAILED = "failed", "Stopped"
    CANCELLED = "cancelled", "Cancelled"


class SequenceState(StrEnum):
    """What a sequence shows: its run, else that its schedule is off, else how the latest run ended."""

    NEVER_RAN = "never_ran"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISABLED = "disabled"


def sequence_state(*, schedule_off: bool, latest: str | None) -> SequenceState:
    """The one state of a sequence from its latest run's status."""
    if latest == SequenceStatus.RUNNING:
        return SequenceState.RUNNING
    if schedule_off:
        return SequenceState.DISABLED
    return SequenceState(latest) if latest else SequenceState.NEVER_RAN


class SequenceStepState(models.TextChoices):
    """How one step of a run of a sequence is doing."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Completed"
    WARNING = "warning", "Completed with errors"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    SKIPPED = "skipped", "Not run"


# Steps of which nothing is decided yet.
OPEN_STEPS = (SequenceStepState.WAITING, SequenceStepState.RUNNING)


@dataclass(frozen=True, slots=True)
class StatusWords:
    """One status in every vocabulary.

    ``sync_page`` is the wording of the syncs overview, ``run_page`` of the runs table,
    ``api_sync`` and ``api_run`` of the REST API, ``log`` of warehouse logs ("" while
    nothing is logged yet), ``audience`` of an audience's syncs tab.
    """

    sync_page: str
    run_page: str
    api_sync: str
    api_run: str
    log: str
    audience: str
    health: Health


WORDS: Mapping[Status, StatusWords] = {
    RunStatus.ENQUEUED: StatusWords("Querying", "Querying", "querying", "querying", "", "active", Health.HEALTHY),
    RunStatus.QUERYING: StatusWords("Querying", "Querying", "querying", "querying", "", "active", Health.HEALTHY),
    RunStatus.PREPARING: StatusWords(
        "Preparing", "Processing", "processing", "processing", "", "active", Health.HEALTHY
    ),
    RunStatus.HELD: StatusWords("Held", "Held", "queued", "queued", "", "warning", Health.WARNING),
    RunStatus.QUEUED: StatusWords("Queued", "Processing", "queued", "queued", "", "active", Health.HEALTHY),
    RunStatus.WRITING: StatusWords(
        "In progress", "Processing", "processing", "processing", "", "active", Health.HEALTHY
    ),
    RunStatus.SETTLING: StatusWords(
        "In progress", "Processing", "reporting", "reporting", "", "active", Health.HEALTHY
    ),
    RunStatus.SUCCEEDED: StatusWords(
        "Healthy", "Completed", "success", "success", "succeeded", "active", Health.HEALTHY
    ),
    RunStatus.WARNING: StatusWords(
        "Warning", "Completed with errors", "warning", "warning", "succeeded", "warning", Health.WARNING
    ),
    RunStatus.FAILED: StatusWords("Failed", "Aborted", "failed", "failed", "failed", "failed", Health.FAILED),
    RunStatus.CANCELLED: StatusWords(
        "Incomplete", "Cancelled", "cancelled", "cancelled", "failed", "active", Health.IDLE
    ),
    RunStatus.INTERRUPTED: StatusWords(
        "Incomplete", "Interrupted", "interrupted", "interrupted", "failed", "warning", Health.WARNING
    ),
    SyncState.NEVER_RAN: StatusWords("Pending", "", "pending", "", "", "active", Health.IDLE),
    SyncState.SCHEDULE_OFF: StatusWords("Disabled", "", "disabled", "", "", "paused", Health.IDLE),
    SyncState.PAUSED: StatusWords("Paused", "", "disabled", "", "", "paused", Health.IDLE),
}


def sync_status(*, paused: bool, schedule_off: bool, latest: str | None) -> Status:
    """The one status of a sync: paused, then a live run, then schedule off, then how its latest run ended."""
    status = RunStatus(latest) if latest else None
    if paused and not (status and status.live):
        return SyncState.PAUSED
    if status and status.live:
        return status
    if schedule_off:
        return SyncState.SCHEDULE_OFF
    return status or SyncState.NEVER_RAN


def ended_as(*, rejected: int, in_doubt: int, cancelled: bool, failed: bool, interrupted: bool) -> RunStatus:
    """The final status of a run from what happened in it."""
    if cancelled:
        return RunStatus.CANCELLED
    if failed:
        return RunStatus.FAILED
    if interrupted:
        return RunStatus.INTERRUPTED
    return RunStatus.WARNING if rejected or in_doubt else RunStatus.SUCCEEDED


def words(status: str) -> StatusWords:
    """The wording of a status given by its stored value."""
    return WORDS[_BY_VALUE[status]]


_BY_VALUE: Mapping[str, Status] = {str(status.value): status for status in WORDS}
