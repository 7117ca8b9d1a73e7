"""Reads about roles and who holds them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, QuerySet

from workspaces.choices import RoleKind
from workspaces.models import GroupRole, Role, UserGroup
from workspaces.permissions import Permission
from workspaces.roles import BUILT_IN


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One permission, and which pre-built roles hold it."""

    words: str
    held: tuple[bool, ...]


def role_table() -> list[RoleLine]:
    """Every permission a role can hold, with the pre-built roles that hold it."""
    kinds = RoleKind.built_in()
    held = [p for p in Permission if p.side != "organization"]
    return [RoleLine(p.words[:1].upper() + p.words[1:], tuple(p in BUILT_IN[kind] for kind in kinds)) for p in held]


def roles_with_holders() -> QuerySet[Role]:
    """The workspace's roles, the pre-built ones first, with the names of the groups that hold them."""
    names = GroupRole.objects.filter(role=OuterRef("pk")).order_by("group__name").values("group__name")
    return Role.objects.annotate(holder_names=ArraySubquery(names)).order_by("pk")


def groups_holding(role: Role) -> QuerySet[UserGroup]:
    """The groups that hold a role, with their size."""
    return UserGroup.objects.filter(roles__role=role).annotate(size=Count("members")).order_by("name", "pk")
