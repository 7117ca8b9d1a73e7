"""What is written down about members of audiences: which logs a source keeps, and each time they were written."""

from __future__ import annotations

from django.db import models

from audiences.choices import Every, LogPlace, RecordingReason, RecordingState
from audiences.models.audiences import Audience
from workspaces.scoping import TenantModel


class AudienceLogs(TenantModel):
    """What the audiences of a source log. Member rows are never in the database of Headrace.

    ``place`` is decided with the first entry, so that a history is in one place: in the warehouse where Headrace
    writes there, else as files. ``every`` is how often snapshots are taken besides those after runs.
    """

    source = models.OneToOneField("connectors.Source", on_delete=models.CASCADE, related_name="audience_logs")
    snapshots = models.BooleanField(default=False)
    holdouts = models.BooleanField(default=False)
    every = models.CharField(max_length=10, choices=Every.choices, blank=True, default=Every.NEVER)
    place = models.CharField(max_length=10, choices=LogPlace.choices, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Audience logs of {self.source}"


class Recording(TenantModel):
    """One time that an audience's logs are written: after a ``run``, when somebody asked, or by schedule.

    ``moment`` is what its entries say; a recording that is taken up again has the same. ``entered`` and ``exited``
    are members since the recording before, ``held_out`` rows that the run did not get because of their group,
    ``synced`` members whom the run added at the destination.
    """

    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="recordings")
    run = models.ForeignKey("syncs.Run", on_delete=models.CASCADE, null=True, related_name="+")
    reason = models.CharField(max_length=10, choices=RecordingReason.choices)
    state = models.CharField(max_length=10, choices=RecordingState.choices, default=RecordingState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    moment = models.DateTimeField()
    beat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    entered = models.BigIntegerField(null=True)
    exited = models.BigIntegerField(null=True)
    held_out = models.BigIntegerField(null=True)
    synced = models.BigIntegerField(null=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "beat_at"], name="recording_state")]

    def __str__(self) -> str:
        return f"Recording {self.pk} of {self.audience_id}"

    @property
    def live(self) -> bool:
        """Whether it is still to be written."""
        return self.state in (RecordingState.WAITING, RecordingState.RUNNING)
