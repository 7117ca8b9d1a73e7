"""The daily extraction of an ad platform's audiences into a warehouse."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from workspaces.scoping import TenantModel


class AudienceExtraction(TenantModel):
    """That a destination's audiences are written into ``source``'s warehouse once a day, and how that went last.

    Without a source it is switched off.

    Days begin at the time of ``since``. A worker holds it by ``epoch`` until ``lease_until``; ``snapshot`` numbers
    what it is at or begins next, ``attempts`` counts tries at that. ``failing_since`` is when all tries at one failed
    for the first time after a success; ``error_message`` is what the last try said.
    """

    destination = models.OneToOneField(
        "connectors.Destination", on_delete=models.CASCADE, related_name="audience_extraction"
    )
    source = models.ForeignKey(
        "connectors.Source", null=True, on_delete=models.PROTECT, related_name="audience_extractions"
    )
    since = models.DateTimeField()
    next_at = models.DateTimeField()
    snapshot = models.PositiveIntegerField(default=1)
    attempts = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(null=True)
    failing_since = models.DateTimeField(null=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="audience_extraction_due")]

    def __str__(self) -> str:
        return f"Data extraction of {self.destination}"

    @property
    def running(self) -> bool:
        """Whether a worker is at it."""
        return self.lease_until is not None and self.lease_until > timezone.now()
