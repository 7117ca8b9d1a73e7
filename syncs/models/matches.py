"""Whom destinations recognised."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from workspaces.scoping import TenantModel


class MatchReport(TenantModel):
    """One time that a destination was asked whom it recognised of what a sync sent: numbers, never who they are.

    ``run`` is the latest that had ended. Until ``answered_at`` the answer may still come. A destination that has no
    report yet answers without numbers. ``rate`` is a share: 1 is all. ``reported_at`` is when the destination says
    that its numbers are of, ``status`` and ``url`` are its words for the list and where people see it there.
    """

    sync = models.ForeignKey("syncs.Sync", on_delete=models.CASCADE, related_name="match_reports")
    run = models.ForeignKey("syncs.Run", on_delete=models.CASCADE, related_name="match_reports")
    asked_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    answered_at = models.DateTimeField(null=True)
    matched = models.BigIntegerField(null=True)
    rate = models.FloatField(null=True)
    reported_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sync"], condition=Q(answered_at__isnull=True), name="match_report_one_open"
            )
        ]
        indexes = [
            models.Index(fields=["sync", "-id"], name="match_report_of_sync"),
            models.Index(fields=["asked_at"], name="match_report_age"),
        ]

    def __str__(self) -> str:
        return f"Match report {self.pk} of {self.sync_id}"

    @property
    def tells(self) -> bool:
        """Whether it has numbers."""
        return self.matched is not None or self.rate is not None

    @property
    def percent(self) -> float | None:
        """The rate for people."""
        return None if self.rate is None else round(100 * self.rate, 1)

    @property
    def of(self) -> object:
        """The moment that its numbers are of."""
        return self.reported_at or self.answered_at
