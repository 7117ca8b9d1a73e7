"""Roles, the grants they hold, and the groups that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from guardian.models.models import BaseObjectPermission

from workspaces.choices import RoleKind
from workspaces.models.people import UserGroup
from workspaces.permissions import Permission
from workspaces.scoping import TenantModel


class Role(TenantModel):
    """A named set of grants in a workspace.

    What a pre-built role may do stands in ``roles.py``; only custom roles have
    rows in :class:`RoleGrant` and :class:`ObjectGrant`.
    """

    name = models.CharField(max_length=120)
    description = models.CharField(max_length=400, blank=True)
    kind = models.CharField(max_length=20, choices=RoleKind.choices, default=RoleKind.CUSTOM)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="role_name_once"),
            models.UniqueConstraint(
                fields=["workspace", "kind"], condition=~models.Q(kind=RoleKind.CUSTOM), name="role_built_in_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RoleGrant(TenantModel):
    """A permission that a custom role holds in the whole workspace."""

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="grants")
    permission = models.CharField(max_length=60, choices=[(p.value, p.words) for p in Permission])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "permission"], name="role_grant_once")]

    def __str__(self) -> str:
        return f"{self.role_id}: {self.permission}"


class ObjectGrant(TenantModel, BaseObjectPermission):
    """A permission that a custom role holds on one object.

    A direct-key permission model: the subclass adds ``content_object``, a foreign
    key to its source or destination, sets ``side``, and gives that model
    ``Meta.permissions = object_permissions(side)``. ``only`` narrows the rows of that
    model that can be named; ``related`` is what their ``grant_hint`` reads, where names
    alone do not tell them apart.
    """

    side: ClassVar[str] = ""
    only: ClassVar[Mapping[str, Any]] = {}
    related: ClassVar[tuple[str, ...]] = ()

    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="+")

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["role", "permission", "content_object"], name="%(class)s_once")]


class GroupRole(TenantModel):
    """A group holds one role in a workspace."""

    organization = models.ForeignKey("workspaces.Organization", on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="roles")
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="holders")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "group"], name="group_role_once")]

    def __str__(self) -> str:
        return f"{self.group_id} holds {self.role_id}"
