"""Reads that the pages and the API share."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.aggregates import StringAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from governance.audit.actors import Actor
from workspaces.choices import RoleKind
from workspaces.models import (
    ApiKey,
    GroupMember,
    GroupRole,
    Invitation,
    OrganizationMember,
    Role,
    SavedFilter,
    UserGroup,
)
from workspaces.roster import groups
from workspaces.tokens import invitation_token


def invitation_link(invitation: Invitation) -> str:
    """The address that accepts an invitation; whoever has it can sign up with its e-mail address."""
    return settings.BASE_URL + reverse("invitation", args=[invitation_token(invitation)])


def groups_with_roles(query: str = "", *, held: str = "") -> QuerySet[UserGroup]:
    """Groups of the organization with the role they hold in this workspace; ``held`` is "yes", "no" or both."""
    role = GroupRole.objects.filter(group=OuterRef("pk")).values("role_id")[:1]
    rows = groups(query).annotate(role_id=Subquery(role))
    return rows.filter(role_id__isnull=held == "no") if held else rows


def saved_filters_of(actor: Actor) -> QuerySet[SavedFilter]:
    """The filters that a person saved, and those shared with the workspace."""
    mine = Q(owner_id=actor.user_id) | Q(shared=True)
    return SavedFilter.objects.filter(mine).select_related("owner").order_by("page", "name", "pk")


def roles() -> QuerySet[Role]:
    """The roles of this workspace."""
    return Role.objects.order_by("pk")


def roles_to_share_with() -> QuerySet[Role]:
    """Custom roles that a group holds, with the names of those groups: whom something new can be opened to."""
    groups = StringAgg("holders__group__name", delimiter=", ", order_by="holders__group__name", default=Value(""))
    held = Role.objects.filter(kind=RoleKind.CUSTOM, holders__isnull=False)
    return held.annotate(held_by=groups).order_by("name", "pk")


def api_keys(query: str = "", status: tuple[str, ...] = ()) -> QuerySet[ApiKey]:
    """The workspace's keys."""
    rows = ApiKey.objects.select_related("owner")
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(prefix__startswith=query) | Q(owner__email__icontains=query))
    if "working" in status:
        rows = rows.filter(_working())
    if "expired" in status:
        rows = rows.filter(revoked_at=None, expires_at__lte=Now())
    if "revoked" in status:
        rows = rows.exclude(revoked_at=None)
    return rows


def service_accounts() -> QuerySet[OrganizationMember]:
    """The organization's service accounts, with their groups and how many keys of this workspace work."""
    names = GroupMember.objects.filter(member=OuterRef("pk")).order_by("group__name").values("group__name")
    keys = ApiKey.objects.filter(_working(), owner=OuterRef("user")).order_by().values("owner")
    working = Subquery(keys.annotate(number=Count("pk")).values("number"))
    rows = OrganizationMember.objects.filter(user__is_service=True).select_related("user")
    return rows.annotate(group_names=ArraySubquery(names), working_keys=Coalesce(working, 0))


def _working() -> Q:
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=Now()))
