"""What an API key may be used for: a limit on top of what its owner may do."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models

from workspaces.permissions import Permission


class KeyScope(models.TextChoices):
    """A part of the API that a key opens. The labels are what people choose from."""

    READ = "read", "Read configuration, runs and their numbers"
    ROWS = "rows", "Read row data: previews, rows of runs, requests"
    RUN = "run", "Start, cancel and retry runs"
    WRITE = "write", "Create and change sources, models, destinations and syncs"
    MANAGE = "manage", "Manage people, groups, roles and the workspace itself"
    SIGN_IN = "sign_in", "Change how people sign in: the identity provider, its domains and groups, SCIM, the rules"


_SCOPES: dict[Permission, KeyScope] = {
    Permission.MEMBER: KeyScope.READ,
    Permission.USE_SUBSET: KeyScope.READ,  # it narrows other rights, and opens nothing by itself
    Permission.VIEW_ROWS: KeyScope.ROWS,
    Permission.VIEW_MEMBERS: KeyScope.ROWS,
    Permission.TRIGGER: KeyScope.RUN,
    Permission.MANAGE_WORKSPACE: KeyScope.MANAGE,
    Permission.VIEW_ORGANIZATION: KeyScope.MANAGE,
    Permission.MANAGE_ORGANIZATION: KeyScope.MANAGE,
    Permission.MANAGE_SIGN_IN: KeyScope.SIGN_IN,
}


def scope_of(permission: Permission) -> KeyScope:
    """The scope a key needs before this right of its owner counts."""
    return _SCOPES.get(permission, KeyScope.WRITE)


def permissions_within(scopes: Iterable[str]) -> frozenset[Permission]:
    """What a key with these scopes may do at most; every key may read, or it could do nothing at all."""
    held = {*scopes, KeyScope.READ.value}
    return frozenset(permission for permission in Permission if scope_of(permission).value in held)
