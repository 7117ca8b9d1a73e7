"""Reads about the organization: its people, groups, invitations and workspaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from workspaces.grants import grants_of_roles, side_summary, targets
from workspaces.models import (
    GroupMember,
    GroupRole,
    Invitation,
    Organization,
    OrganizationMember,
    Role,
    User,
    UserGroup,
    Workspace,
)
from workspaces.scoping import unscoped

DESTINATION = "destination"  # the side of grants


@dataclass(frozen=True, slots=True)
class BuiltInGroup:
    """A group that every organization has; ``field`` is what says who is in it."""

    key: str
    name: str
    description: str
    field: str


BUILT_IN_GROUPS = (
    BuiltInGroup(
        "admins",
        "Organization admins",
        "May do everything in every workspace, and manage people, groups and workspaces.",
        "is_admin",
    ),
    BuiltInGroup(
        "viewers",
        "Organization viewers",
        "May look at everything in every workspace and at these pages, without row values; may change nothing.",
        "is_viewer",
    ),
)


@dataclass(frozen=True, slots=True)
class GroupLoss:
    """What deleting a group takes away."""

    people: int
    stranded: int
    roles: tuple[tuple[str, str], ...]


def built_in_group(key: str) -> BuiltInGroup | None:
    """The built-in group of this name in addresses."""
    return next((group for group in BUILT_IN_GROUPS if group.key == key), None)


def built_in_sizes() -> dict[str, int]:
    """How many people are in each built-in group."""
    counts = {group.key: Count("pk", filter=Q(**{group.field: True})) for group in BUILT_IN_GROUPS}
    return OrganizationMember.objects.aggregate(**counts)


def people(query: str = "", *, kinds: tuple[str, ...] = ()) -> QuerySet[OrganizationMember]:
    """People of the organization with their groups' names; ``kinds``: admins, viewers, none for those in no group."""
    names = GroupMember.objects.filter(member=OuterRef("pk")).order_by("group__name").values("group__name")
    rows = OrganizationMember.objects.select_related("user").annotate(group_names=ArraySubquery(names))
    if query:
        rows = rows.filter(Q(user__email__icontains=query) | Q(user__name__icontains=query))
    conditions = {
        "admins": Q(is_admin=True),
        "viewers": Q(is_viewer=True),
        "none": ~Exists(GroupMember.objects.filter(member=OuterRef("pk"))) & Q(is_admin=False, is_viewer=False),
    }
    chosen = [conditions[kind] for kind in kinds if kind in conditions]
    for condition in chosen[1:]:
        chosen[0] |= condition
    return rows.filter(chosen[0]) if chosen else rows


def with_ways_in(rows: QuerySet[OrganizationMember]) -> QuerySet[OrganizationMember]:
    """People with what they can sign in by beside a password: ``services`` by name, and whether there is a passkey."""
    linked = SocialAccount.objects.filter(user=OuterRef("user")).order_by("provider").values("provider")
    passkeys = Authenticator.objects.filter(user=OuterRef("user"), type=Authenticator.Type.WEBAUTHN)
    return rows.annotate(services=ArraySubquery(linked), has_passkey=Exists(passkeys))


def ways_in(member: OrganizationMember) -> list[str]:
    """How one of :func:`with_ways_in` signs in."""
    user: User = member.user
    if user.is_service:
        return ["API keys only"]
    if user.sso_organization_id is not None:
        return ["Identity provider"]
    services: list[str] = member.services  # type: ignore[attr-defined]
    found = ["E-mail and password"] if user.has_usable_password() else []
    found += [name.capitalize() for name in services]
    return [*found, "Passkey"] if member.has_passkey else found  # type: ignore[attr-defined]


def groups(query: str = "") -> QuerySet[UserGroup]:
    """Groups of the organization with how many people are in each."""
    sizes = GroupMember.objects.filter(group=OuterRef("pk")).order_by().values("group")
    size = Subquery(sizes.annotate(number=Count("pk")).values("number"))
    rows = UserGroup.objects.annotate(size=Coalesce(size, 0))
    return rows.filter(Q(name__icontains=query) | Q(description__icontains=query)) if query else rows


def groups_for(member: OrganizationMember, query: str = "", *, only_own: bool = False) -> QuerySet[UserGroup]:
    """Groups of the organization, with whether this person is in each."""
    own = GroupMember.objects.filter(group=OuterRef("pk"), member=member)
    rows = groups(query).annotate(joined=Exists(own))
    return rows.filter(joined=True) if only_own else rows


def people_in(group: UserGroup | BuiltInGroup, query: str = "") -> QuerySet[OrganizationMember]:
    """The people of a group."""
    if isinstance(group, BuiltInGroup):
        return people(query).filter(**{group.field: True})
    return people(query).filter(Exists(GroupMember.objects.filter(member=OuterRef("pk"), group=group)))


def people_outside(group: UserGroup | BuiltInGroup, query: str = "") -> QuerySet[OrganizationMember]:
    """Who could be added to a group. Programs' accounts do not administer organizations."""
    if isinstance(group, BuiltInGroup):
        return people(query).filter(**{group.field: False, "user__is_service": False})
    return people(query).exclude(Exists(GroupMember.objects.filter(member=OuterRef("pk"), group=group)))


def pending_invitations() -> QuerySet[Invitation]:
    """Invitations that nobody took up or withdrew, expired ones too, newest first."""
    rows = Invitation.objects.filter(accepted_at=None, withdrawn_at=None)
    return rows.select_related("invited_by").prefetch_related("groups__group").order_by("-pk")


def count_pending() -> int:
    """How many invitations still work."""
    return pending_invitations().filter(expires_at__gt=timezone.now()).count()


def loss_of(group: UserGroup) -> GroupLoss:
    """What deleting a group takes away: roles by workspace, and people left in no group at all."""
    others = GroupMember.objects.filter(member=OuterRef("member")).exclude(group=group)
    places = GroupMember.objects.filter(group=group)
    stranded = places.filter(~Exists(others), member__is_admin=False, member__is_viewer=False)
    with unscoped("a group holds roles in several workspaces of its organization"):
        held = GroupRole.objects.filter(group=group, organization_id=group.organization_id)
        roles = tuple(held.order_by("workspace__name").values_list("workspace__name", "role__name"))
    return GroupLoss(places.count(), stranded.count(), roles)


def roles_in(group: UserGroup, workspaces: Iterable[Workspace]) -> tuple[Mapping[int, int], Mapping[int, list[Role]]]:
    """The role a group holds in each of these workspaces of its organization, and the roles it could hold there."""
    ids = [workspace.pk for workspace in workspaces]
    with unscoped("a group holds roles in several workspaces of its organization"):
        held = GroupRole.objects.filter(group=group, organization_id=group.organization_id, workspace__in=ids)
        holding = dict(held.values_list("workspace_id", "role_id"))
        offered: dict[int, list[Role]] = {pk: [] for pk in ids}
        same = Role.objects.filter(workspace__in=ids, workspace__organization_id=group.organization_id)
        for role in same.order_by("pk"):
            offered[role.workspace_id].append(role)
    return holding, offered


def access_in(held: Mapping[int, int]) -> Mapping[int, list[str]]:
    """What these roles, by workspace, allow at destinations there: one line for each set of rights."""
    with unscoped("a group holds roles in several workspaces of its organization"):
        grants = grants_of_roles(Role.objects.filter(pk__in=held.values()))
        ids = {grant.object_id for each in grants.values() for grant in each if grant.permission.side == DESTINATION}
        names = dict(targets(DESTINATION).filter(pk__in=ids - {None}).values_list("pk", "name"))
    return {pk: side_summary(DESTINATION, grants[role], names) for pk, role in held.items()}


def organizations_to_add_to(user_id: int) -> list[Organization]:
    """The organizations in which a person may make workspaces: those they administer, as far as their account may."""
    with unscoped("a person may administer several organizations"):
        mine = OrganizationMember.objects.filter(user=user_id, is_admin=True)
        barred = Q(user__sso_organization=F("organization"), organization__sso_may_create_workspaces=False)
        rows = mine.exclude(barred).select_related("organization__sign_in_rules").order_by("organization__name")
        return [member.organization for member in rows]
