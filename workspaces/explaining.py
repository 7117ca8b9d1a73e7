"""Answers "what can this person do here, and why", "why not", and "who can do this"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from workspaces.access import Grants, HeldRole, grant_models, held_role, holds, role_row
from workspaces.grants import targets
from workspaces.models import GroupRole, OrganizationMember
from workspaces.permissions import (
    CONFIGURE_FROM_SOURCE,
    CONFIGURE_TO_DESTINATION,
    GENERAL,
    On,
    Permission,
    noun_of,
    permissions_of,
)
from workspaces.roles import ORGANIZATION_VIEWER

NAMED = 6


@dataclass(frozen=True, slots=True)
class Holding:
    """A group of the person with the role it holds here; ``role`` says what that allows."""

    group: str
    role_name: str
    role: HeldRole
    group_id: int | None = None
    role_id: int | None = None

    @property
    def words(self) -> str:
        """Where a right comes from."""
        return f"{self.group} ({self.role_name})" if self.role_name else self.group


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a right is held: by which group and role, on what."""

    by: str
    everywhere: bool
    names: tuple[str, ...] = ()
    total: int = 0

    @property
    def more(self) -> int:
        """How many objects are not named."""
        return self.total - len(self.names)


@dataclass(frozen=True, slots=True)
class Right:
    """One right, and every reason it is held; none means it is not."""

    permission: Permission
    reasons: tuple[Reason, ...]

    @property
    def noun(self) -> str:
        """What it is held on; nothing for rights in the workspace as a whole."""
        return noun_of(self.permission.side) if self.permission.side in grant_models() else ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something people do, and all the rights that one group must hold for it."""

    key: str
    words: str
    needs: tuple[Permission, ...]

    @property
    def sides(self) -> frozenset[str]:
        """Which kinds of objects have to be named."""
        return frozenset(p.side for p in self.needs) & set(grant_models())


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an action is allowed; ``lines`` say by what, or what each group lacks."""

    allowed: bool
    sentence: str
    lines: tuple[str, ...]


ACTIONS = (
    Action("sync", "create, change and delete syncs", (*CONFIGURE_FROM_SOURCE, *CONFIGURE_TO_DESTINATION)),
    Action("draft", "draft syncs", (Permission.DRAFT_FROM_SOURCE, Permission.DRAFT_TO_DESTINATION)),
    Action("model", "create, change and delete models", CONFIGURE_FROM_SOURCE),
    Action("run", "run syncs", (Permission.TRIGGER,)),
    Action("test", "send single rows as a test", (Permission.VIEW_ROWS, Permission.TRIGGER)),
    *(
        Action(p.value, p.words, (p,))
        for side in ("source", "destination", "parent_model", "subset")
        for p in permissions_of(side)
    ),
    *(Action(p.value, p.words, (p,)) for p in (*GENERAL, Permission.MANAGE_WORKSPACE)),
)


def holdings_of(member: OrganizationMember) -> list[Holding]:
    """The roles a person's groups hold in this workspace, and what their place in the organization adds: one query."""
    held = GroupRole.objects.filter(group__members__member=member).order_by("group__name")
    rows = held.values_list(role_row(group="group__name", group_id="group_id", name="role__name"), flat=True)
    found = [
        Holding(row["group"], row["name"], held_role(row), group_id=row["group_id"], role_id=row["id"]) for row in rows
    ]
    if member.is_admin:
        found.insert(0, Holding("Organization admins", "", HeldRole(frozenset(Permission))))
    if member.is_viewer:
        found.append(Holding("Organization viewers", "", HeldRole(ORGANIZATION_VIEWER)))
    return found


def rights_of(holdings: Iterable[Holding]) -> list[Right]:
    """Every right a role can bring, with where it comes from and on what; names are read once a side."""
    holdings = list(holdings)
    names = {side: _names(side, holdings) for side in grant_models()}
    shown = [Permission.MEMBER, Permission.MANAGE_WORKSPACE, *GENERAL]
    shown += [permission for side in grant_models() for permission in permissions_of(side)]
    return [Right(p, tuple(_reasons(p, holdings, names.get(p.side, {})))) for p in shown]


def explain(holdings: Iterable[Holding], action: Action, **on: Unpack[On]) -> Answer:
    """Whether one of these groups allows the action on these objects, and why or why not."""
    holdings = list(holdings)
    ids: Mapping[str, Any] = on
    by = [h.words for h in holdings if Grants(roles=(h.role,)).allow(action.needs, **on)]
    if by:
        return Answer(True, f"Yes: may {action.words}.", tuple(f"{words} allows it." for words in by))
    lines = []
    for held in holdings:
        lacking = [p for p in action.needs if not held.role.allows(p, ids.get(f"{p.side}_id"))]
        lines.append(f"{held.words} lacks the right to {_and([p.words for p in lacking])}.")
    together = all(any(h.role.allows(p, ids.get(f"{p.side}_id")) for h in holdings) for p in action.needs)
    if together and len(action.needs) > 1:
        lines.append("Its groups hold all of it between them, but one group must hold it alone.")
    if not holdings:
        lines.append("In no group that has a role in this workspace.")
    return Answer(False, f"No: may not {action.words}.", tuple(lines))


def people_here() -> QuerySet[OrganizationMember]:
    """Everybody who may open this workspace, with the groups and roles that let them in."""
    held = GroupRole.objects.filter(group__members__member=OuterRef("pk"))
    rows = OrganizationMember.objects.filter(Q(is_admin=True) | Q(is_viewer=True) | Exists(held))
    return _with_groups(rows.filter(user__is_active=True), Q())


def people_who(permission: Permission, object_id: int | None) -> QuerySet[OrganizationMember]:
    """Everybody who holds a right on one object, with the groups and roles that give it."""
    condition = holds(permission, object_id)
    held = GroupRole.objects.filter(condition, group__members__member=OuterRef("pk"))
    rows = OrganizationMember.objects.filter(Q(is_admin=True) | Exists(held), user__is_active=True)
    return _with_groups(rows, condition)


def named_like(rows: QuerySet[OrganizationMember], query: str) -> QuerySet[OrganizationMember]:
    """Those whose name or e-mail holds the words."""
    return rows.filter(Q(user__email__icontains=query) | Q(user__name__icontains=query)) if query else rows


def _with_groups(rows: QuerySet[OrganizationMember], condition: Q) -> QuerySet[OrganizationMember]:
    by = GroupRole.objects.filter(condition, group__members__member=OuterRef("pk")).order_by("group__name")
    words = by.values(words=Concat("group__name", Value(" ("), "role__name", Value(")")))
    return rows.select_related("user").annotate(by_groups=ArraySubquery(words))


def _names(side: str, holdings: Iterable[Holding]) -> dict[int, str]:
    """Names of the objects that a few grants speak of."""
    ids = {pk for h in holdings for p, on in h.role.on_objects.items() if p.side == side for pk in on}
    rows = targets(side).filter(pk__in=ids)
    return dict(rows.values_list("pk", "name")) if ids else {}


def _reasons(permission: Permission, holdings: Iterable[Holding], names: Mapping[int, str]) -> Iterable[Reason]:
    for held in holdings:
        if permission in held.role.everywhere:
            yield Reason(held.words, everywhere=True)
        elif on := held.role.on_objects.get(permission):
            named = sorted(names[pk] for pk in on if pk in names)
            yield Reason(held.words, everywhere=False, names=tuple(named[:NAMED]), total=len(named))


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
