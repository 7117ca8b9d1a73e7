"""What custom roles hold, as the role editor and the API show it.

Each app that declares an :class:`~workspaces.models.ObjectGrant` adds a side (its
``side`` is the prefix of its permissions) and with it a tab of the editor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Model, OuterRef, QuerySet

from workspaces.access import grant_models
from workspaces.choices import RoleKind
from workspaces.models import Role, RoleGrant, Workspace
from workspaces.permissions import (
    CONFIGURE_FROM_SOURCE,
    CONFIGURE_TO_DESTINATION,
    GENERAL,
    Permission,
    noun_of,
    permissions_of,
)
from workspaces.roles import BUILT_IN

# Names that a sentence lists before it says how many more there are.
NAMED = 4


@dataclass(frozen=True, slots=True)
class Grant:
    """A right in the whole workspace, on all objects present and future; or on one object."""

    permission: Permission
    object_id: int | None = None


@dataclass(frozen=True, slots=True)
class GrantColumn:
    """A column of the editor: one right, or those that are given together."""

    key: str
    label: str
    help: str
    permissions: tuple[Permission, ...]


_COLUMNS: Mapping[Permission, tuple[str, str]] = {
    Permission.VIEW_ROWS: (
        "View row data",
        "See rows in previews, row tests and runs.",
    ),
    Permission.DRAFT_FROM_SOURCE: ("Draft", "Propose models and syncs on it."),
    Permission.APPROVE_FROM_SOURCE: ("Publish", "Approve and publish models and syncs on it."),
    Permission.CONFIGURE_SCHEMA: ("Configure schema", "Define what marketers may build audiences from."),
    Permission.MANAGE_SOURCE: ("Manage source", "Change its connection and credentials."),
    Permission.TRIGGER: ("Run syncs", "Start runs by hand."),
    Permission.DRAFT_TO_DESTINATION: ("Draft", "Propose syncs to it."),
    Permission.APPROVE_TO_DESTINATION: ("Publish", "Approve and publish syncs to it."),
    Permission.MANAGE_DESTINATION: ("Manage destination", "Change its connection, credentials and alerts."),
    Permission.VIEW_MEMBERS: ("View row data", "See the people in its audiences, in row tests and in runs."),
    Permission.CONFIGURE_AUDIENCES: (
        "Configure audiences and syncs",
        "Build audiences on it and use them in syncs; the destination's right is needed, too.",
    ),
    Permission.USE_SUBSET: (
        "See and build from",
        "The role's rights on the parent model reach this part of its rows.",
    ),
}
# Given together where no approvals are asked for: to draft is then to publish.
_TOGETHER: Mapping[str, tuple[tuple[Permission, ...], str, str]] = {
    "source": (CONFIGURE_FROM_SOURCE, "Configure models and syncs", "Create, change, delete and schedule them."),
    "destination": (CONFIGURE_TO_DESTINATION, "Configure syncs", "Create, change, delete and schedule them."),
}


def is_grantable(permission: Permission) -> bool:
    """Whether a custom role can hold it. Managing the workspace is for its admins alone."""
    return permission in GENERAL or permission.side in grant_models()


def grantable() -> list[Permission]:
    """All that a custom role can hold, the general ones first."""
    return [*GENERAL, *(p for side in grant_models() for p in permissions_of(side))]


def grant_target(side: str) -> type[Model]:
    """The model whose rows the grants of a side name."""
    model: Any = grant_models()[side]
    target: type[Model] = model._meta.get_field("content_object").related_model
    return target


def targets(side: str) -> QuerySet[Any]:
    """What grants of a side can name."""
    model: Any = grant_models()[side]
    rows: QuerySet[Any] = grant_target(side).objects.filter(**model.only)  # type: ignore[attr-defined]
    return rows.select_related(*model.related) if model.related else rows


def grants_of_role(role: Role) -> set[Grant]:
    """All that a role holds; of a pre-built one what its kind brings."""
    return grants_of_roles([role])[role.pk]


def grants_of_roles(roles: Iterable[Role]) -> dict[int, set[Grant]]:
    """The same for several roles: a query for each kind of grant."""
    rows = list(roles)
    held = {role.pk: {Grant(p) for p in BUILT_IN[RoleKind(role.kind)] - BUILT_IN[RoleKind.CUSTOM]} for role in rows}
    for role_id, permission in RoleGrant.objects.filter(role__in=rows).values_list("role_id", "permission"):
        held[role_id].add(Grant(Permission(permission)))
    for side in grant_models():
        model: Any = grant_models()[side]
        found = model.objects.filter(role__in=rows).values_list("role_id", "permission__codename", "content_object_id")
        for role_id, codename, pk in found:
            held[role_id].add(Grant(Permission(f"{side}.{codename}"), pk))
    return held


def columns(side: str, held: Iterable[Grant], *, together: bool) -> list[GrantColumn]:
    """The columns of a side. ``together`` joins drafting and publishing, unless only one of them is held somewhere."""
    joined, label, help_text = _TOGETHER.get(side, ((), "", ""))
    together = together and bool(joined) and not _apart(held, joined)
    made: list[GrantColumn] = []
    for permission in permissions_of(side):
        if together and permission in joined:
            if permission == joined[0]:
                made.append(GrantColumn("+".join(p.codename for p in joined), label, help_text, joined))
            continue
        words = _COLUMNS.get(permission, (permission.words.capitalize(), ""))
        made.append(GrantColumn(permission.codename, *words, (permission,)))
    return made


def _apart(held: Iterable[Grant], joined: tuple[Permission, ...]) -> bool:
    """Whether somewhere only some of these are held."""
    objects = [{grant.object_id for grant in held if grant.permission is p} for p in joined]
    return any(ids != objects[0] for ids in objects)


def objects_of(side: str, query: str = "", *, of_role: Role | None = None) -> QuerySet[Any]:
    """What grants of a side can name, by name; ``of_role`` leaves those a role holds something on."""
    rows = targets(side)
    if query:
        rows = rows.filter(name__icontains=query)
    if of_role is not None:
        model: Any = grant_models()[side]
        rows = rows.filter(Exists(model.objects.filter(role=of_role, content_object_id=OuterRef("pk"))))
    return rows


def asks_for_approval(workspace: Workspace) -> bool:
    """Whether what is drafted is published by somebody's approval; then the two rights are shown apart."""
    return bool(getattr(workspace, "require_approvals", True))


def summary(held: set[Grant], names: Mapping[str, Mapping[int, str]] | None = None) -> list[str]:
    """A role in plain words, one sentence a line. ``names`` are the objects' names by side, read here if not given."""
    general = {grant.permission for grant in held if grant.object_id is None}
    lines = ["Sees everything that is set up here, without row values."]
    if Permission.MANAGE_WORKSPACE in general:
        lines.append("Manages the workspace: settings, access, roles and API keys.")
    if created := [p.words for p in GENERAL if p in general]:
        lines.append(f"May {_and(created)}.")
    for side in grant_models():
        lines += side_summary(side, held, None if names is None else names.get(side, {}))
    return lines


def side_summary(side: str, held: set[Grant], names: Mapping[int, str] | None) -> list[str]:
    """What a role allows on the objects of one side; see :func:`summary`."""
    of_side = [grant for grant in held if grant.permission.side == side]
    everywhere = {grant.permission for grant in of_side if grant.object_id is None}
    on: dict[int, set[Permission]] = {}
    for grant in of_side:
        if grant.object_id is not None and grant.permission not in everywhere:
            on.setdefault(grant.object_id, set()).add(grant.permission)
    lines = [f"On all {noun_of(side)}s, present and future: {_rights(side, everywhere)}."] if everywhere else []
    if names is None:
        names = dict(targets(side).filter(pk__in=on).values_list("pk", "name")) if on else {}
    alike: dict[frozenset[Permission], list[str]] = {}
    for pk, held_there in on.items():
        alike.setdefault(frozenset(held_there), []).append(names.get(pk, ""))
    for rights, named in sorted(alike.items(), key=lambda pair: -len(pair[1])):
        lines.append(f"On {_some(sorted(named), noun_of(side))}: {_rights(side, rights)}.")
    return lines


def _rights(side: str, permissions: Iterable[Permission]) -> str:
    chosen = set(permissions)
    return _and([_COLUMNS[p][0].lower() if p in _COLUMNS else p.words for p in permissions_of(side) if p in chosen])


def _some(names: list[str], noun: str) -> str:
    if len(names) <= NAMED:
        return _and([f"“{name}”" for name in names])
    shown = ", ".join(f"“{name}”" for name in names[:NAMED])
    return f"{shown} and {len(names) - NAMED:,} more {noun}s"


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
