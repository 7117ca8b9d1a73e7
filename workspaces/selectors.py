"""Reads that the pages and the API share."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from workspaces.choices import RoleKind
from workspaces.models import ApiKey, GroupMember, GroupRole, Invitation, OrganizationMember, Role, UserGroup
from workspaces.permissions import Permission
from workspaces.roles import BUILT_IN
from workspaces.tokens import invitation_token


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation with the link that accepts it."""

    invitation: Invitation
    groups: list[str]
    link: str


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One permission, and which pre-built roles hold it."""

    words: str
    held: tuple[bool, ...]


def members(query: str = "") -> QuerySet[OrganizationMember]:
    """People of the organization, with the names of their groups."""
    names = GroupMember.objects.filter(member=OuterRef("pk")).order_by("group__name").values("group__name")
    rows = OrganizationMember.objects.select_related("user").annotate(group_names=ArraySubquery(names))
    return rows.filter(Q(user__email__icontains=query) | Q(user__name__icontains=query)) if query else rows


def open_invitations() -> list[OpenInvitation]:
    """Invitations whose link still works, newest first."""
    rows = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
    found = rows.select_related("invited_by").prefetch_related("groups__group")
    return [
        OpenInvitation(
            invitation,
            sorted(place.group.name for place in invitation.groups.all()),
            settings.BASE_URL + reverse("invitation", args=[invitation_token(invitation)]),
        )
        for invitation in found
    ]


def groups_with_roles() -> QuerySet[UserGroup]:
    """Groups of the organization with their size and the role they hold in this workspace."""
    held = GroupRole.objects.filter(group=OuterRef("pk")).values("role_id")[:1]
    return UserGroup.objects.annotate(size=Count("members"), role_id=Subquery(held)).order_by("name", "pk")


def groups_of(member: OrganizationMember) -> QuerySet[UserGroup]:
    """The groups a person is in."""
    return groups_with_roles().filter(pk__in=member.groups.values("group"))


def members_of(group: UserGroup) -> list[OrganizationMember]:
    """The people in a group."""
    rows = OrganizationMember.objects.filter(groups__group=group).select_related("user")
    return list(rows.order_by("user__email"))


def roles() -> QuerySet[Role]:
    """The roles of this workspace."""
    return Role.objects.order_by("pk")


def role_of(group: UserGroup) -> Role | None:
    """The role a group holds in this workspace."""
    return Role.objects.filter(holders__group=group).first()


def role_table() -> list[RoleLine]:
    """Every permission a role can hold, with the pre-built roles that hold it."""
    kinds = RoleKind.built_in()
    grantable = [p for p in Permission if p is not Permission.MANAGE_ORGANIZATION]
    return [RoleLine(_capital(p.words), tuple(p in BUILT_IN[kind] for kind in kinds)) for p in grantable]


def api_keys(query: str = "", status: tuple[str, ...] = ()) -> QuerySet[ApiKey]:
    """The workspace's keys."""
    rows = ApiKey.objects.select_related("owner")
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(prefix__startswith=query) | Q(owner__email__icontains=query))
    if "working" in status:
        rows = rows.filter(revoked_at=None)
    if "revoked" in status:
        rows = rows.exclude(revoked_at=None)
    return rows


def working_keys_of(user_id: int) -> QuerySet[ApiKey]:
    """A person's keys in this workspace that still work."""
    return ApiKey.objects.filter(owner_id=user_id, revoked_at=None)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
