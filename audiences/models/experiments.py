"""Experiments: the groups into which members of an audience fall, and which of them each sync is for."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from audiences.models.audiences import Audience
from audiences.models.schema import NAME
from workspaces.scoping import TenantModel


class Experiment(TenantModel):
    """The split of an audience: an audience has one at a time, ended ones are kept for what was logged of them.

    ``slots`` is whose each of the 10,000 slots is, as ``[start, end, group id]`` (:mod:`audiences.query.splits`);
    ``salt`` decides in which slot a member falls. ``stratify`` are columns within each of whose values the shares
    hold exactly. It is ``launched_at`` once a sync of one of its groups has run.
    """

    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="experiments")
    salt = models.CharField(max_length=40)
    slots = models.JSONField(default=list)
    stratify = ArrayField(models.CharField(max_length=NAME), default=list, blank=True)
    launched_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["audience"], condition=Q(ended_at=None), name="experiment_once")]

    def __str__(self) -> str:
        return f"Experiment of {self.audience}"

    def get_absolute_url(self) -> str:
        """The tab of its audience."""
        return f"{self.audience.get_absolute_url()}/experiments"


class ExperimentGroup(TenantModel):
    """One group of an experiment; ``share`` is its number of slots."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=200)
    share = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["experiment", "name"], name="experiment_group_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> str:
        """The share as people write it."""
        return f"{self.share / 100:g}"


class SyncGroup(TenantModel):
    """A sync is for this group; one without any sends everybody."""

    sync = models.ForeignKey("syncs.Sync", on_delete=models.CASCADE, related_name="experiment_groups")
    group = models.ForeignKey(ExperimentGroup, on_delete=models.CASCADE, related_name="syncs")

    class Meta:
        ordering = ["group__position", "id"]
        constraints = [models.UniqueConstraint(fields=["sync", "group"], name="sync_group_once")]

    def __str__(self) -> str:
        return f"{self.group_id} by {self.sync_id}"
