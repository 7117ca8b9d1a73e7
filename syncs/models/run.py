"""Runs: one invocation of a sync, its stages, and the journal of what was sent."""

from __future__ import annotations

from datetime import timedelta

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from syncs.choices import RunStatus, StatusWords, StepKind, StepState, Trigger, words
from workspaces.scoping import TenantModel

SUMMED = [f"{result}_{kind}" for result in ("succeeded", "rejected") for kind in ("added", "changed", "removed")]


class Run(TenantModel):
    """One invocation of a sync: what it set out to do, how far it is, and how it ended.

    ``spec`` and ``job`` are frozen at the start (never with secrets), so that every
    worker does the same. Counts are rows: ``queried = null_keys + duplicates +
    forgotten + keyed`` and ``planned = succeeded + rejected + aborted``. A run is live until
    ``finished_at``; the database allows one live run a sync. ``hold`` is the
    :class:`syncs.holds.Hold` of a run that was held, with what was decided.
    """

    sync = models.ForeignKey("syncs.Sync", on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=12, choices=RunStatus.choices, default=RunStatus.ENQUEUED)
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    actor_label = models.CharField(max_length=320)
    correlation_id = models.CharField(max_length=32)
    spec = models.JSONField(encoder=DjangoJSONEncoder)
    job = models.JSONField(encoder=DjangoJSONEncoder)
    sync_revision = models.PositiveIntegerField()
    prepared = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    hold = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    timings = models.JSONField(default=dict)

    queried = models.BigIntegerField(default=0)
    null_keys = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    forgotten = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)
    planned_added = models.BigIntegerField(default=0)
    planned_changed = models.BigIntegerField(default=0)
    planned_removed = models.BigIntegerField(default=0)
    succeeded_added = models.BigIntegerField(default=0)
    succeeded_changed = models.BigIntegerField(default=0)
    succeeded_removed = models.BigIntegerField(default=0)
    rejected_added = models.BigIntegerField(default=0)
    rejected_changed = models.BigIntegerField(default=0)
    rejected_removed = models.BigIntegerField(default=0)
    aborted_added = models.BigIntegerField(default=0)
    aborted_changed = models.BigIntegerField(default=0)
    aborted_removed = models.BigIntegerField(default=0)
    in_doubt = models.BigIntegerField(default=0)

    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    traces_purged_at = models.DateTimeField(null=True)
    requests_purged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["sync"], condition=Q(finished_at__isnull=True), name="run_one_live"),
            models.UniqueConstraint(fields=["sync", "number"], name="run_number"),
        ]
        indexes = [
            models.Index(fields=["sync", "-id"], name="run_of_sync"),
            models.Index(fields=["finished_at"], name="run_interrupted", condition=Q(status="interrupted")),
            models.Index(fields=["workspace", "-id"], name="run_newest"),
            # Sums over time read the index alone: a run's row is wide.
            models.Index(fields=["workspace", "-finished_at"], include=SUMMED, name="run_summed"),
            models.Index(
                fields=["workspace", "-id"], name="run_failed", condition=Q(status__in=["failed", "interrupted"])
            ),
            models.Index(
                fields=["finished_at"],
                name="run_to_purge",
                condition=Q(traces_purged_at__isnull=True, finished_at__isnull=False),
            ),
            models.Index(
                fields=["finished_at"],
                name="run_requests_to_purge",
                condition=Q(requests_purged_at__isnull=True, finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def live(self) -> bool:
        """Whether the run is still going."""
        return self.finished_at is None

    @property
    def words(self) -> StatusWords:
        """The status in every vocabulary."""
        return words(self.status)

    @property
    def duration(self) -> timedelta:
        """From being asked for to the end, or to now."""
        return (self.finished_at or timezone.now()) - self.created_at

    @property
    def planned(self) -> int:
        """Rows to send, of all operations."""
        return self.planned_added + self.planned_changed + self.planned_removed

    @property
    def succeeded(self) -> int:
        """Rows the destination accepted."""
        return self.succeeded_added + self.succeeded_changed + self.succeeded_removed

    @property
    def rejected(self) -> int:
        """Rows the destination refused."""
        return self.rejected_added + self.rejected_changed + self.rejected_removed

    @property
    def aborted(self) -> int:
        """Rows that were never attempted, or given up before an answer."""
        return self.aborted_added + self.aborted_changed + self.aborted_removed


class RunStep(TenantModel):
    """A stage or part of a run and who works on it: the truth that the queue only hints at.

    A worker takes a step by raising ``epoch``; whatever it writes later is
    bound to that epoch, so one that lost its lease can change nothing.
    ``available_at`` is when a worker may take it (later after an error), ``sent_at``
    when a message last told the workers so.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=10, choices=StepKind.choices)
    number = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=StepState.choices, default=StepState.WAITING)
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    available_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    rows_total = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    outcome = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["run_id", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "kind", "number"], name="run_step")]
        indexes = [
            models.Index(fields=["available_at"], name="step_waiting", condition=Q(state="waiting")),
            models.Index(fields=["lease_until"], name="step_running", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class JournalBatch(TenantModel):
    """One batch of a part: written before it leaves, and again when its answer is known."""

    step = models.ForeignKey(RunStep, on_delete=models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    first = models.PositiveBigIntegerField()
    rows = models.PositiveIntegerField()
    done = models.BooleanField(default=False)
    status = models.CharField(max_length=10)
    rejections = models.JSONField(default=list)
    doubtful = models.JSONField(default=list)
    code = models.CharField(max_length=100, blank=True, default="")
    message = models.TextField(blank=True, default="")
    in_doubt = models.BooleanField(default=False)
    receipt = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "number"], name="journal_batch")]

    def __str__(self) -> str:
        return f"batch {self.number}"
