"""Syncs: how a model's rows appear in a destination, and when."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.urls import reverse

from syncs.choices import WORDS, PendingReset, Status, StatusWords, sync_status
from syncs.models.scheduled import Scheduled
from workspaces.models import Labelled
from workspaces.scoping import TenantModel


class Sync(Labelled, Scheduled, TenantModel):
    """One model, one destination, a configuration and a schedule.

    ``settings`` are the sync type's declared settings without their secret
    values, which ``sealed_settings`` holds encrypted. ``mappings`` is a list of
    :class:`syncs.engine.spec.FieldMapping` as JSON. ``baseline`` points at what
    was delivered so far and moves only when a run settles. ``schedule_enabled``
    stops the sync's own schedule only; ``paused`` blocks every run.
    ``pending_reset`` and ``pending_reprocess`` wait for the next run. ``guardrails``
    are the :class:`syncs.engine.guardrails.Guardrails` that people changed, as JSON.
    ``sync_logs`` are tables that this sync's runs write into the warehouse besides
    those that the source asks of all its syncs. Until it is ``published`` it is only a
    draft and never runs. ``space`` is the part of the workspace whose people see it;
    without one everyone does. ``erasing_for`` is the case for which a person is being
    erased from what this sync remembers: no run may start meanwhile.
    """

    model = models.ForeignKey("syncs.Model", on_delete=models.PROTECT, related_name="syncs")
    destination = models.ForeignKey("connectors.Destination", on_delete=models.PROTECT, related_name="syncs")
    space = models.ForeignKey(
        "workspaces.Space", null=True, blank=True, on_delete=models.RESTRICT, related_name="syncs"
    )
    slug = models.CharField(max_length=120)
    name = models.CharField(max_length=200, blank=True)

    sync_type = models.CharField(max_length=60)
    mode = models.CharField(max_length=20)
    removal = models.CharField(max_length=20, default="nothing")
    first_run = models.CharField(max_length=20, default="backfill")
    settings = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    sealed_settings = models.TextField(blank=True)
    mappings = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    guardrails = models.JSONField(default=dict, blank=True)
    revision = models.PositiveIntegerField(default=1)

    paused = models.BooleanField(default=False)
    published = models.BooleanField(default=True)

    pending_reset = models.CharField(max_length=10, choices=PendingReset.choices, default=PendingReset.NONE, blank=True)
    pending_reprocess = models.BooleanField(default=False)
    baseline = models.JSONField(null=True, blank=True)
    kept = models.JSONField(default=dict, blank=True)
    last_run = models.ForeignKey("syncs.Run", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    runs_started = models.PositiveIntegerField(default=0)
    sync_logs = models.JSONField(default=list, blank=True)
    erasing_for = models.BigIntegerField(null=True, blank=True)

    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="sync_slug")]
        indexes = [
            models.Index(fields=["next_run_at"], name="sync_due", condition=Q(next_run_at__isnull=False, paused=False)),
        ]

    def __str__(self) -> str:
        return self.name or self.slug

    def get_absolute_url(self) -> str:
        """The sync's page."""
        return reverse("syncs:sync", args=[self.workspace.slug, self.pk])

    @property
    def status(self) -> Status:
        """The one status of the sync; reads the latest run, so lists select it along."""
        latest = self.last_run.status if self.last_run else None
        return sync_status(paused=self.paused, schedule_off=self.schedule_off, latest=latest)

    @property
    def words(self) -> StatusWords:
        """The status in every vocabulary."""
        return WORDS[self.status]
