"""Cases of single persons, and how long a workspace keeps its data."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from governance.privacy.choices import SEARCH, UNDER_WAY, CaseState
from workspaces.scoping import TenantModel


class PersonCase(TenantModel):
    """One person: looked up, and forgotten where somebody asked for that.

    ``value`` is whom it is about and ``findings`` what was found; both go at ``expires_at``
    with the row, or when the person is forgotten: ``report`` then tells what was done, without
    a personal value. ``scope`` says where to look: see :class:`governance.privacy.registry.Subject`.
    A worker takes the case by raising ``epoch``; ``beat_at`` tells that it lives.
    ``notes`` is what the erasure has to remember to be resumed.
    """

    value = models.CharField(max_length=1_000, blank=True)
    scope = models.CharField(max_length=500, blank=True)
    scope_words = models.CharField(max_length=500, blank=True)
    hint = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=CaseState.choices, default=CaseState.WAITING)
    step = models.CharField(max_length=300, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    requested_by = models.CharField(max_length=320)
    requested_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    beat_at = models.DateTimeField()
    available_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)

    reason = models.CharField(max_length=500, blank=True)
    ticket = models.CharField(max_length=120, blank=True)
    remove_first = models.BooleanField(default=False)
    erasure_by = models.CharField(max_length=320, blank=True)
    erasure_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=320, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    erase_anyway = models.BooleanField(default=False)
    notes = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    report = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace", "-id"], name="person_case_newest"),
            models.Index(fields=["available_at"], name="person_case_due", condition=Q(state__in=UNDER_WAY)),
            models.Index(fields=["expires_at"], name="person_case_age"),
        ]

    def __str__(self) -> str:
        return f"Case {self.pk}"

    def get_absolute_url(self) -> str:
        """The case's page."""
        return reverse("privacy:case", args=[self.workspace.slug, self.pk])

    @property
    def searching(self) -> bool:
        """Whether the search has not ended."""
        return self.state in SEARCH

    @property
    def live(self) -> bool:
        """Whether a worker has something to do, so that the page follows it."""
        return self.state in UNDER_WAY


class Retention(TenantModel):
    """How long one workspace keeps data; empty is the installation's default, for run history for ever.

    Days, and hours for previews. ``request_days`` are requests and answers, ``row_days`` the rows of
    runs with the rejected ones: never longer than the run is in the history.
    """

    request_days = models.PositiveIntegerField(null=True, blank=True, validators=[MaxValueValidator(3_650)])
    row_days = models.PositiveIntegerField(null=True, blank=True, validators=[MaxValueValidator(3_650)])
    run_days = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3_650)]
    )
    preview_hours = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(720)]
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace"], name="retention_of_workspace")]

    def __str__(self) -> str:
        return f"retention of workspace {self.workspace_id}"
