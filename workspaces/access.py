"""Who may do what, and the only ways from an id to a row of this app.

A person's groups hold one role each in a workspace. A right to a sync needs its
source side and its destination side within one group: grants are evaluated per
role and then OR-ed, never merged first. System actors are not held by grants;
organization admins may everything in all their workspaces, organization viewers
may read in all of them. Everybody else sees another workspace's things as not found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar, Unpack

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import JSONObject
from django.utils import timezone

from config.errors import Denied, NotFound
from config.postgres.compiled import Compiled
from governance.audit.actors import Actor
from workspaces.choices import RoleKind
from workspaces.models import (
    ApiKey,
    Folder,
    GroupRole,
    Invitation,
    ObjectGrant,
    Organization,
    OrganizationMember,
    RetiredSlug,
    Role,
    RoleGrant,
    SavedFilter,
    Space,
    SpaceGroup,
    UserGroup,
    Workspace,
)
from workspaces.permissions import On, Permission
from workspaces.roles import BUILT_IN, ORGANIZATION_VIEWER, kinds_with
from workspaces.scopes import scope_of
from workspaces.scoping import current_workspace_id, unscoped, workspace_scope
from workspaces.tokens import invitation_id, proves

M = TypeVar("M", bound=Model)
Needs = Permission | tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class HeldRole:
    """What one group's role allows: in the whole workspace, and on single objects."""

    everywhere: frozenset[Permission] = frozenset()
    on_objects: Mapping[Permission, frozenset[int]] = field(default_factory=dict)

    def allows(self, permission: Permission, object_id: int | None) -> bool:
        """Whether it holds for this object; without one, whether it holds for at least one."""
        if permission in self.everywhere:
            return True
        objects = self.on_objects.get(permission, frozenset())
        return bool(objects) if object_id is None else object_id in objects


@dataclass(frozen=True, slots=True)
class Grants:
    """All that a person's groups allow in one workspace, and the spaces they show; ``None`` hides nothing."""

    organization_admin: bool = False
    roles: tuple[HeldRole, ...] = ()
    within: frozenset[str] | None = None  # the most that the API key used may do
    spaces: frozenset[int] | None = frozenset()

    def allow(self, needs: tuple[Permission, ...], **on: Unpack[On]) -> bool:
        """Whether one single role allows all of it."""
        if self.within is not None and not self.within.issuperset(needs):
            return False
        if self.organization_admin:
            return True
        ids: Mapping[str, Any] = on
        return any(all(role.allows(p, ids.get(f"{p.side}_id")) for p in needs) for role in self.roles)


NOTHING = Grants()
_remembered: ContextVar[dict[tuple[int, int], Grants] | None] = ContextVar("remembered_grants", default=None)


@contextmanager
def remembered_grants() -> Iterator[None]:
    """Inside, grants are read once per person and workspace; requests run in this."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def forget_grants() -> None:
    """Read grants again: what they hang on has changed."""
    if (memory := _remembered.get()) is not None:
        memory.clear()


def grants_of(actor: Actor) -> Grants:
    """What the actor's groups allow in the workspace of the current scope: one query, once a request."""
    workspace_id = current_workspace_id()
    if actor.user_id is None or actor.workspace_id not in (None, workspace_id):
        return NOTHING
    memory = _remembered.get()
    if memory is None:
        memory = {}
    key = (actor.user_id, workspace_id)
    if key not in memory:
        memory[key] = _load(actor.user_id)
    return replace(memory[key], within=actor.allowed)


def may(actor: Actor, needs: Needs, **on: Unpack[On]) -> bool:
    """Whether the actor may do this here.

    ``needs`` is one permission or several that one group must hold together.
    Without an id, a permission of a side asks "on at least one".
    """
    if actor.is_system:
        return True
    return grants_of(actor).allow(_as_tuple(needs), **on)


def require(actor: Actor, needs: Needs, **on: Unpack[On]) -> None:
    """Raise :class:`~config.errors.Denied`, naming what is missing and who can grant it."""
    if may(actor, needs, **on):
        return
    wanted = _as_tuple(needs)
    _require_scopes(actor, wanted)
    missing = [p for p in wanted if not may(actor, p, **on)]
    words = " and ".join(p.words for p in missing or wanted)
    together = "" if missing else ", both within one group"
    raise Denied(f"You need the right to {words}{together}.", hint=_who_can_grant(wanted))


def why_not(actor: Actor, needs: Needs, **on: Unpack[On]) -> str:
    """Which right the actor lacks for this and who can grant it, as a sentence; empty where nothing is lacking."""
    try:
        require(actor, needs, **on)
    except Denied as error:
        return f"{error.message} {error.hint}"
    return ""


def _require_scopes(actor: Actor, needs: tuple[Permission, ...]) -> None:
    """Tell a key that it, not its owner, is what may not do this."""
    if actor.allowed is None or actor.allowed.issuperset(needs):
        return
    scopes = sorted({scope_of(permission).value for permission in needs if permission not in actor.allowed})
    raise Denied(
        f"This API key lacks the scope {' and '.join(scopes)}.",
        hint="Make a key with that scope under Settings, API keys; the scopes of a key cannot be changed.",
        code="missing_scope",
    )


def visible(queryset: QuerySet[M], actor: Actor, permission: Permission, path: str = "pk") -> QuerySet[M]:
    """Only the rows whose source or destination (at ``path``) the actor has this permission on."""
    return visible_by(queryset, actor, {permission: path})


def visible_by(queryset: QuerySet[M], actor: Actor, needs: Mapping[Permission, str]) -> QuerySet[M]:
    """Only the rows on which one group of the actor holds all these permissions.

    ``needs`` maps each permission to the path of the row's source or destination
    id, e.g. ``{Permission.TRIGGER: "destination_id", Permission.DRAFT_FROM_SOURCE: "model__source_id"}``.
    """
    if actor.is_system:
        return queryset
    if actor.allowed is not None and not actor.allowed.issuperset(needs):
        return queryset.none()
    if grants_of(actor).organization_admin:
        return queryset
    if ORGANIZATION_VIEWER.issuperset(needs) and may(actor, tuple(needs)):
        return queryset
    if actor.user_id is None or actor.workspace_id not in (None, current_workspace_id()):
        return queryset.none()
    holding = GroupRole.objects.filter(group__members__member__user_id=actor.user_id)
    for permission, path in needs.items():
        holding = holding.filter(holds(permission, OuterRef(OuterRef(path))))
    return queryset.filter(Exists(holding))


def spaces_of(actor: Actor) -> frozenset[int] | None:
    """The spaces that the actor sees beside what belongs to everyone; ``None`` where nothing is hidden from them.

    The system and workspace admins see everything. Seeing a thing is no right to it: roles still decide that.
    """
    return None if actor.is_system else grants_of(actor).spaces


def in_view(queryset: QuerySet[M], actor: Actor, path: str = "space") -> QuerySet[M]:
    """Only the rows that belong to everyone or to a space (at ``path``) that the actor sees: the one such gate."""
    seen = spaces_of(actor)
    if seen is None:
        return queryset
    return queryset.filter(Q(**{f"{path}__isnull": True}) | Q(**{f"{path}__in": seen}))


def spaces_in_view(actor: Actor) -> QuerySet[Space]:
    """The spaces that the actor sees and may put things into."""
    seen = spaces_of(actor)
    return Space.objects.all() if seen is None else Space.objects.filter(pk__in=seen)


def people_who_may(needs: Mapping[Permission, int | None]) -> QuerySet[OrganizationMember]:
    """The active people of whom one group holds all these permissions on these objects, by id; admins always."""
    holding = GroupRole.objects.filter(group__members__member=OuterRef("pk"))
    for permission, object_id in needs.items():
        holding = holding.filter(holds(permission, object_id))
    members = OrganizationMember.objects.filter(Q(is_admin=True) | Exists(holding), user__is_active=True)
    return members.select_related("user").order_by("user__email")


def workspaces_of(user_id: int | Value) -> QuerySet[Workspace]:
    """The workspaces a person may open; to be read inside ``unscoped``."""
    mine = OrganizationMember.objects.filter(user_id=user_id, organization=OuterRef("organization"))
    everywhere = mine.filter(Q(is_admin=True) | Q(is_viewer=True))
    group = GroupRole.objects.filter(workspace=OuterRef("pk"), group__members__member__user_id=user_id)
    rows = Workspace.objects.filter(Exists(everywhere) | Exists(group), deleting_at=None)
    return rows.order_by("name", "id")


def matching_workspaces(user_id: int, query: str) -> QuerySet[Workspace]:
    """Those of them whose name or slug holds the words."""
    rows = workspaces_of(user_id)
    return rows.filter(Q(name__icontains=query) | Q(slug__icontains=query)) if query else rows


# Every page asks the first of these, and every stranger both.
_NAMED = Compiled(
    lambda person, slug: workspaces_of(person).filter(slug=slug).select_related("organization__sign_in_rules")[:1],
    "person",
    "slug",
)
_ONCE_NAMED = Compiled(
    lambda person, slug: workspaces_of(person).filter(
        pk__in=RetiredSlug.objects.filter(slug=slug).values("workspace_id")
    )[:1],
    "person",
    "slug",
)


def workspace_for(user_id: int, slug: str) -> Workspace:
    """The workspace of this slug, if the person may open it."""
    with unscoped("the slug names the workspace whose scope is entered next"):
        workspace = _NAMED.first(person=user_id, slug=slug)
    if workspace is None:
        raise NotFound("There is no such workspace, or you are not a member of it.")
    return workspace


def renamed_workspace_for(user_id: int, old_slug: str) -> Workspace | None:
    """The workspace that once had this slug, if the person may open it."""
    with unscoped("a retired slug names the workspace to redirect to"):
        return _ONCE_NAMED.first(person=user_id, slug=old_slug)


def may_found_organization() -> bool:
    """Whether whoever comes may make a new organization: the first one, or where the operator allows more."""
    if settings.SIGNUP_OPEN:
        return True
    with unscoped("whether there is any organization at all"):
        return not Organization.objects.exists()


def member_for(member_id: int) -> OrganizationMember:
    """A person of this organization, by membership id."""
    return found_by_id(OrganizationMember.objects.select_related("user"), member_id, "person")


def group_for(group_id: int) -> UserGroup:
    """A group of this organization."""
    return found_by_id(UserGroup.objects.all(), group_id, "group")


def role_for(role_id: int) -> Role:
    """A role of this workspace."""
    return found_by_id(Role.objects.all(), role_id, "role")


def api_key_for(key_id: int) -> ApiKey:
    """An API key of this workspace."""
    return found_by_id(ApiKey.objects.select_related("owner"), key_id, "API key")


def invitation_for(invitation_id: int) -> Invitation:
    """An invitation of this organization."""
    return found_by_id(Invitation.objects.all(), invitation_id, "invitation")


def folder_for(folder_id: int) -> Folder:
    """A folder of this workspace; everyone sees them all."""
    return found_by_id(Folder.objects.all(), folder_id, "folder")


def space_for(actor: Actor, space_id: int, *, lock: bool = False) -> Space:
    """A space that the actor sees. ``lock`` keeps it from being deleted until the transaction ends."""
    rows = spaces_in_view(actor)
    return found_by_id(rows.select_for_update() if lock else rows, space_id, "space")


def saved_filter_for(actor: Actor, saved_id: int, *, change: bool = False) -> SavedFilter:
    """A saved filter of the actor's own or shared with the workspace; shared ones are changed by admins too."""
    rows = SavedFilter.objects.filter(Q(owner_id=actor.user_id) | Q(shared=True))
    saved = found_by_id(rows.select_for_update(no_key=True) if change else rows, saved_id, "saved filter")
    if change and saved.owner_id != actor.user_id:
        require(actor, Permission.MANAGE_WORKSPACE)
    return saved


def require_person(actor: Actor) -> int:
    """The id of the person who acts, or for whom a key does; what people keep for themselves needs one."""
    if actor.user_id is None:
        raise Denied("Only people keep filters and favourites.", hint="Sign in, or use an API key of your own.")
    return actor.user_id


def open_invitation(token: str) -> Invitation | None:
    """The invitation of a link that still works."""
    with unscoped("an invited person is outside every scope until they joined"):
        invitation = Invitation.objects.select_related("organization").filter(pk=invitation_id(token) or 0).first()
        if invitation and proves(token, invitation) and invitation.is_open(timezone.now()):
            return invitation
    return None


def found_by_id(queryset: QuerySet[M], pk: int, noun: str) -> M:
    row = queryset.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no such {noun} here.")
    return row


def _as_tuple(needs: Needs) -> tuple[Permission, ...]:
    return needs if isinstance(needs, tuple) else (needs,)


@cache
def grant_models() -> Mapping[str, type[ObjectGrant]]:
    """The object grant model of each side, as the apps declared them."""
    return {m.side: m for m in apps.get_models() if issubclass(m, ObjectGrant)}


def role_row(**more: str) -> JSONObject:
    """Selects, on rows of :class:`GroupRole`, a role with all its grants; ``more`` names further fields."""
    object_grants = {
        side: ArraySubquery(
            model.objects.filter(role=OuterRef("role_id")).values(
                pair=JSONObject(codename="permission__codename", id="content_object_id")
            )
        )
        for side, model in grant_models().items()
    }
    return JSONObject(
        id="role_id",
        kind="role__kind",
        permissions=ArraySubquery(RoleGrant.objects.filter(role=OuterRef("role_id")).values("permission")),
        **object_grants,
        **more,
    )


def holds(permission: Permission, object_id: Any = None) -> Q:
    """Condition on rows of :class:`GroupRole`: the role holds it everywhere, or on this object."""
    held = Q(role__kind__in=kinds_with(permission)) | Q(
        Exists(RoleGrant.objects.filter(role=OuterRef("role_id"), permission=permission))
    )
    model = grant_models().get(permission.side)
    if model is None or object_id is None:
        return held
    on_object = {"permission__codename": permission.codename, "content_object_id": object_id}
    return held | Q(Exists(model.objects.filter(role=OuterRef("role_id"), **on_object)))


def _load(user_id: int) -> Grants:
    """Membership, roles and grants of one person, as one statement."""
    statement, parameters = _statement()
    here = {_PERSON: user_id, _HERE: current_workspace_id()}
    with connection.cursor() as cursor:
        cursor.execute(statement, [here.get(parameter, parameter) for parameter in parameters])
        found = cursor.fetchone()
    if found is None:
        return NOTHING
    is_admin, is_viewer, held, seen, any_space = found
    roles_held = tuple({row["id"]: held_role(row) for row in map(json.loads, held)}.values())
    sees_all = is_admin or not any_space or any(Permission.MANAGE_WORKSPACE in role.everywhere for role in roles_held)
    viewing = (HeldRole(ORGANIZATION_VIEWER),) if is_viewer else ()
    return Grants(is_admin, (*roles_held, *viewing), spaces=None if sees_all else frozenset(seen))


# Stand for the two ids in the compiled statement; no row has them.
_PERSON, _HERE = -1, -2


@cache
def _statement() -> tuple[str, tuple[Any, ...]]:
    """What :func:`_load` asks, compiled once: every request asks it, and compiling takes longer than the answer."""
    with workspace_scope(_HERE):
        roles = GroupRole.objects.filter(group__members__member=OuterRef("pk")).values(held=role_row())
        spaces = SpaceGroup.objects.filter(group__members__member=OuterRef("pk")).values("space_id")
        found = OrganizationMember.objects.filter(user_id=_PERSON, user__is_active=True).values_list(
            "is_admin", "is_viewer", ArraySubquery(roles), ArraySubquery(spaces), Exists(Space.objects.all())
        )
        statement, parameters = found[:1].query.sql_with_params()
    return statement, tuple(parameters)


def held_role(row: Mapping[str, Any]) -> HeldRole:
    """One role from its row (see :func:`role_row`); names this version does not know are ignored."""
    known = {p.value: p for p in Permission}
    everywhere = BUILT_IN[RoleKind(row["kind"])] | {known[v] for v in row["permissions"] if v in known}
    objects: dict[Permission, set[int]] = {}
    for side in grant_models():
        for pair in row[side]:
            if permission := known.get(f"{side}.{pair['codename']}"):
                objects.setdefault(permission, set()).add(pair["id"])
    return HeldRole(frozenset(everywhere), {p: frozenset(ids) for p, ids in objects.items()})


def _who_can_grant(needs: tuple[Permission, ...]) -> str:
    """Up to three people who can change what the actor lacks."""
    admins = OrganizationMember.objects.filter(user__is_active=True)
    if any(p.side == "organization" for p in needs):
        admins, title = admins.filter(is_admin=True), "An organization admin"
    else:
        in_admin_group = Exists(
            GroupRole.objects.filter(role__kind=RoleKind.ADMIN, group__members__member=OuterRef("pk"))
        )
        admins, title = admins.filter(Q(is_admin=True) | Q(in_admin_group)), "A workspace admin"
    people = list(admins.order_by("pk").values_list("user__email", flat=True)[:3])
    return f"{title} can grant it: {', '.join(people)}." if people else f"{title} can grant it."
