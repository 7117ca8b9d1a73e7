"""Sequences: syncs that run one after another, and the runs of such a row of syncs."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from syncs.choices import (
    LimitUnit,
    SequenceState,
    SequenceStatus,
    SequenceStepState,
    Terminate,
    Trigger,
    sequence_state,
)
from syncs.models.scheduled import Scheduled
from workspaces.models import Labelled
from workspaces.scoping import TenantModel

TRIGGERS = (Trigger.MANUAL, Trigger.SCHEDULE, Trigger.API)


class Sequence(Labelled, Scheduled, TenantModel):
    """Syncs in an order, with a schedule of their own. ``schedule_enabled`` stops that schedule only."""

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=120)
    last_run = models.ForeignKey(
        "syncs.SequenceRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    runs_started = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="sequence_slug")]
        indexes = [
            models.Index(fields=["next_run_at"], name="sequence_due", condition=Q(next_run_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The sequence's page."""
        return reverse("syncs:sequence", args=[self.workspace.slug, self.pk])

    @property
    def state(self) -> SequenceState:
        """The one state of the sequence; reads the latest run, so lists select it along."""
        return sequence_state(schedule_off=self.schedule_off, latest=self.last_run.status if self.last_run else None)


class TerminateRule(models.Model):
    """What ends a sequence at a step: how its sync must do for the next one to start.

    With ``REJECTED`` a run that rejected more than ``limit`` rows, or per cent of
    the rows it was to send, stops the sequence too.
    """

    terminate = models.CharField(max_length=10, choices=Terminate.choices, default=Terminate.FATAL)
    limit_unit = models.CharField(max_length=10, choices=LimitUnit.choices, default=LimitUnit.ANY)
    limit = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def rule_words(self) -> str:
        """The rule as one sentence."""
        if self.terminate != Terminate.REJECTED:
            return Terminate(self.terminate).label
        allowed = {
            LimitUnit.ROWS: f"more than {self.limit:,} rows",
            LimitUnit.PERCENT: f"more than {self.limit}\u00a0% of its rows",
        }
        return f"Stop if it fails or rejects {allowed.get(LimitUnit(self.limit_unit), 'any row')}"


class SequenceStep(TerminateRule, TenantModel):
    """One sync in its place. A deleted sync leaves its step behind, by ``label``, until somebody takes it out."""

    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    sync = models.ForeignKey("syncs.Sync", on_delete=models.SET_NULL, null=True, related_name="sequence_steps")
    label = models.CharField(max_length=200)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["sequence", "position"], name="sequence_step_position")]

    def __str__(self) -> str:
        return str(self.sync) if self.sync else self.label


class SequenceRun(TenantModel):
    """One go through a sequence. Live until ``finished_at``; the database allows one live run a sequence."""

    sequence = models.ForeignKey(Sequence, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=SequenceStatus.choices, default=SequenceStatus.RUNNING)
    trigger = models.CharField(max_length=10, choices=[(by.value, by.label) for by in TRIGGERS])
    actor_label = models.CharField(max_length=320)
    correlation_id = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sequence"], condition=Q(finished_at__isnull=True), name="sequence_one_live"
            ),
            models.UniqueConstraint(fields=["sequence", "number"], name="sequence_run_number"),
        ]
        indexes = [
            models.Index(fields=["sequence", "-id"], name="sequence_run_newest"),
            models.Index(fields=["id"], name="sequence_run_live", condition=Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    @property
    def live(self) -> bool:
        """Whether it is still going."""
        return self.finished_at is None

    @property
    def duration(self) -> timedelta:
        """From being asked for to the end, or to now."""
        return (self.finished_at or timezone.now()) - self.created_at


class SequenceRunStep(TerminateRule, TenantModel):
    """One step of a run of a sequence, with the rule as it was when the run began.

    ``sync_run`` is the run that this step started; ``reason`` says what it
    waits for, or why it failed.
    """

    run = models.ForeignKey(SequenceRun, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    sync = models.ForeignKey("syncs.Sync", on_delete=models.SET_NULL, null=True, related_name="+")
    label = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=SequenceStepState.choices, default=SequenceStepState.WAITING)
    sync_run = models.ForeignKey("syncs.Run", on_delete=models.SET_NULL, null=True, related_name="+")
    reason = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="sequence_run_step")]
        indexes = [
            models.Index(fields=["sync"], name="sequence_step_open", condition=Q(state__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return str(self.sync) if self.sync else self.label

    @property
    def duration(self) -> timedelta | None:
        """From its start to its end, or to now."""
        return (self.finished_at or timezone.now()) - self.started_at if self.started_at else None
