"""Previews: what a run would do, found out without doing it."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from syncs.choices import PreviewState
from workspaces.scoping import TenantModel


class Preview(TenantModel):
    """A query and comparison of a sync whose changes are only looked at.

    ``spec`` and ``prepared`` are the engine's values once it is ready; ``plan`` are
    sentences, ``warnings`` the guardrails that the run would cross, ``requests`` the
    first requests without secrets. ``beat_at`` tells that its worker lives. Its files
    are deleted with it, a day after it was made. One made for a ``draft`` tells what publishing
    that revision would do, and is kept while the draft is open.
    """

    sync = models.ForeignKey("syncs.Sync", on_delete=models.CASCADE, related_name="previews")
    draft = models.ForeignKey("approvals.Draft", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    draft_revision = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=PreviewState.choices, default=PreviewState.WAITING)
    actor_label = models.CharField(max_length=320)
    epoch = models.PositiveIntegerField(default=0)
    queried = models.BigIntegerField(default=0)
    spec = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    prepared = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    plan = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    requests = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    created_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["sync", "-id"], name="preview_of_sync"),
            models.Index(fields=["created_at"], name="preview_age"),
        ]

    def __str__(self) -> str:
        return f"Preview {self.pk}"

    @property
    def live(self) -> bool:
        """Whether it is still being made."""
        return self.finished_at is None
