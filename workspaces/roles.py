"""What each pre-built role may do: the one place that maps roles to permissions."""

from __future__ import annotations

from collections.abc import Mapping

from workspaces.choices import RoleKind
from workspaces.permissions import Permission

_VIEWER = frozenset({Permission.MEMBER})
_DRAFT_EDITOR = _VIEWER | {
    Permission.VIEW_ROWS,
    Permission.DRAFT_FROM_SOURCE,
    Permission.DRAFT_TO_DESTINATION,
    Permission.VIEW_MEMBERS,
    Permission.CONFIGURE_AUDIENCES,
    Permission.USE_SUBSET,
}
_EDITOR = _DRAFT_EDITOR | {
    Permission.CREATE_SOURCE,
    Permission.CREATE_DESTINATION,
    Permission.APPROVE_FROM_SOURCE,
    Permission.APPROVE_TO_DESTINATION,
    Permission.TRIGGER,
}
_ORGANIZATION = frozenset(permission for permission in Permission if permission.side == "organization")
_ADMIN = frozenset(Permission) - _ORGANIZATION

# What organization viewers may do in every workspace of the organization.
ORGANIZATION_VIEWER = _VIEWER | {Permission.VIEW_ORGANIZATION}

BUILT_IN: Mapping[RoleKind, frozenset[Permission]] = {
    RoleKind.VIEWER: _VIEWER,
    RoleKind.DRAFT_EDITOR: _DRAFT_EDITOR,
    RoleKind.EDITOR: _EDITOR,
    RoleKind.ADMIN: _ADMIN,
    # What every role of a workspace brings; the rest of a custom role are rows.
    RoleKind.CUSTOM: _VIEWER,
}


def kinds_with(permission: Permission) -> list[str]:
    """The role kinds that hold a permission for the whole workspace by themselves."""
    return [kind.value for kind, held in BUILT_IN.items() if permission in held]
