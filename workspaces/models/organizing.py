"""What keeps a large workspace in order: spaces, folders, labels, saved filters and favourites."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from workspaces.models.people import UserGroup
from workspaces.scoping import TenantModel


class Space(TenantModel):
    """A part of the workspace that only some groups see; it grants nothing, it only narrows what is shown.

    A row that names no space belongs to everyone. Workspace admins see all spaces.
    """

    name = models.CharField(max_length=120)
    description = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="space_name_once")]

    def __str__(self) -> str:
        return self.name


class SpaceGroup(TenantModel):
    """A group whose people see a space."""

    organization = models.ForeignKey("workspaces.Organization", on_delete=models.CASCADE, related_name="+")
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="groups")
    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="spaces")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["space", "group"], name="space_group_once")]

    def __str__(self) -> str:
        return f"{self.group_id} sees {self.space_id}"


class Folder(TenantModel):
    """A folder; folders nest without limit.

    What is in it points to it: models and audiences. A sync has no folder of its own: it is where its model is, and the
    model that the syncs of an audience have is where the audience is.
    """

    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.RESTRICT, related_name="children")
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "parent", "name"], name="folder_name_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.name


class Labelled(models.Model):
    """A row that people put labels on: one value for each key."""

    labels = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True


class SavedFilter(TenantModel):
    """What a list was narrowed to, under a name: its owner's own, or shared with the workspace.

    ``page`` is the list (``syncs``), ``query`` the address's parameters.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    query = models.CharField(max_length=2_000)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "owner", "page", "name"], name="saved_filter_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class DefaultView(TenantModel):
    """The saved filter that a list opens with for one person."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=40)
    saved_filter = models.ForeignKey(SavedFilter, on_delete=models.CASCADE, related_name="defaults")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "user", "page"], name="default_view_once")]

    def __str__(self) -> str:
        return f"{self.page} opens with {self.saved_filter_id}"


class Favourite(TenantModel):
    """A thing that one person keeps at hand; ``kind`` is one of those registered in ``workspaces/resources.py``."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "user", "kind", "object_id"], name="favourite_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"
