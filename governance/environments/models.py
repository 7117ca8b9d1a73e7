"""Links between things of several workspaces, and the history of deployments. Rows of the organization.

They name sources, destinations, models and syncs by kind and id only, as the apps that own those
stand above this one (see ``registry.py``).
"""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from governance.environments.choices import Action, DeploymentState, ItemState
from workspaces.scoping import OrganizationModel


class Link(OrganizationModel):
    """Things that stand for each other in their workspaces: at most one a workspace, all of one kind and type."""

    kind = models.CharField(max_length=20)
    type = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"link of {self.kind}s {self.pk}"


class LinkedThing(OrganizationModel):
    """One workspace's thing in a link.

    ``remapped`` holds the settings that have another value here than where they came from:
    path → ``{"from": value there, "to": value here}``, as a person chose when deploying.
    """

    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="things")
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    thing_id = models.BigIntegerField()
    remapped = models.JSONField(default=dict, blank=True)
    linked_at = models.DateTimeField(auto_now_add=True)
    linked_by = models.CharField(max_length=320)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "workspace"], name="linked_thing_once_a_workspace"),
            models.UniqueConstraint(fields=["kind", "thing_id"], name="linked_thing_in_one_link"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.thing_id} in workspace {self.workspace_id}"


class Deployment(OrganizationModel):
    """One copying of models and syncs from ``workspace`` to ``target``; ``items`` are in the order of their doing."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=DeploymentState.choices, default=DeploymentState.RUNNING)
    with_schedule = models.BooleanField(default=False)
    actor_label = models.CharField(max_length=320)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    correlation_id = models.CharField(max_length=32)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace", "-id"], name="deployment_from"),
            models.Index(fields=["target", "-id"], name="deployment_to"),
        ]

    def __str__(self) -> str:
        return f"Deployment {self.pk}"


class DeploymentItem(OrganizationModel):
    """One model or sync of a deployment: what it was there before, what it is after. Never holds a secret."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    thing_id = models.BigIntegerField()
    name = models.CharField(max_length=400)
    action = models.CharField(max_length=10, choices=Action.choices)
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.WAITING)
    target_thing_id = models.BigIntegerField(null=True, blank=True)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    error = models.CharField(max_length=2_000, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["deployment", "position"], name="deployment_item_position")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
