"""A workspace's rule about approvals, and the drafts it is about."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from governance.approvals.choices import OPEN, DraftState
from workspaces.scoping import TenantModel

MAX_APPROVERS = 5


class ApprovalPolicy(TenantModel):
    """What a workspace asks before changes of models and syncs go live.

    ``self_approval`` lets people publish what they changed themselves.
    ``channel_id`` is a notification channel that requests are told to, besides the people concerned.
    """

    required = models.BooleanField(default=False)
    self_approval = models.BooleanField(default=True)
    approvers = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_APPROVERS)]
    )
    channel_id = models.BigIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace"], name="approval_policy_once")]

    def __str__(self) -> str:
        return "Approvals"

    @property
    def needs_others(self) -> bool:
        """Whether nobody may publish a change by themselves."""
        return self.required and not (self.self_approval and self.approvers == 1)


class Draft(TenantModel):
    """A change of one resource that is not live, or a resource that never was (``is_new``).

    ``kind`` and ``resource_id`` name the resource; a registry knows what they mean. ``base`` is what was live when
    the draft was begun or last brought up to date, ``proposed`` what is to be live, ``sealed`` the credentials
    that belong to it, encrypted. Every edit raises ``revision``, which approvals and the impact are bound to.
    ``editors`` are the ids of the people who wrote it. ``impact`` is what was shown when it was decided.
    """

    kind = models.CharField(max_length=20)
    resource_id = models.BigIntegerField()
    label = models.CharField(max_length=400)
    is_new = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.DRAFT)
    revision = models.PositiveIntegerField(default=1)
    base = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    proposed = models.JSONField(encoder=DjangoJSONEncoder)
    sealed = models.TextField(blank=True)
    editors = models.JSONField(default=list)
    edited_by = models.CharField(max_length=320)
    edited_at = models.DateTimeField()
    comment = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    requested_label = models.CharField(max_length=320, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_label = models.CharField(max_length=320, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    impact = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "resource_id"], condition=Q(state__in=OPEN), name="draft_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["workspace", "state", "-id"], name="draft_by_state"),
            models.Index(fields=["workspace", "kind", "resource_id", "-id"], name="draft_of_resource"),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        """The review page."""
        return reverse("approvals:request", args=[self.workspace.slug, self.pk])

    @property
    def open(self) -> bool:
        """Whether it can still become live."""
        return self.state in OPEN

    @property
    def submitted(self) -> bool:
        """Whether it waits for reviewers."""
        return self.state == DraftState.SUBMITTED


class Reviewer(TenantModel):
    """A person who was asked to look at a draft. Others who may approve it can do so too."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="reviewers")
    user = models.ForeignKey("workspaces.User", on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["draft", "user"], name="draft_reviewer_once")]

    def __str__(self) -> str:
        return str(self.user)


class Approval(TenantModel):
    """Somebody's yes to one revision of a draft; an edit of the draft takes it away."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="approvals")
    user = models.ForeignKey("workspaces.User", on_delete=models.SET_NULL, null=True, related_name="+")
    label = models.CharField(max_length=320)
    revision = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["draft", "user"], name="draft_approval_once")]

    def __str__(self) -> str:
        return self.label


class DraftComment(TenantModel):
    """Something said about a draft."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="comments")
    user = models.ForeignKey("workspaces.User", on_delete=models.SET_NULL, null=True, related_name="+")
    label = models.CharField(max_length=320)
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.label
