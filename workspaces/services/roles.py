"""Custom roles and the grants they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Permission as StoredPermission
from django.contrib.contenttypes.models import ContentType

from config.errors import Conflict, Denied, Invalid, NotFound
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import forget_grants, grant_models, require
from workspaces.choices import RoleKind
from workspaces.grants import Grant, grant_target, grants_of_role, is_grantable, targets
from workspaces.models import GroupRole, Role, RoleGrant, Workspace
from workspaces.permissions import Permission, noun_of, permissions_of
from workspaces.services.checks import required

FIELDS = ("name", "description")
# So many names of objects an audit entry lists for each right.
NAMES_KEPT = 50


@service("role.created")
def create_role(
    *, actor: Actor, workspace: Workspace, name: str, description: str = "", copy_of: Role | None = None
) -> Role:
    """A new custom role; it allows nothing but looking, or what the role it is a copy of allows."""
    require(actor, Permission.MANAGE_WORKSPACE)
    role = Role(workspace=workspace, name=required("name", name), description=description.strip()[:400])
    _check_name(role)
    role.save()
    grants = {grant for grant in grants_of_role(copy_of) if is_grantable(grant.permission)} if copy_of else set()
    _give(role, grants)
    record(role, after={**snapshot(role, FIELDS), "copy_of": copy_of.name if copy_of else None, **_in_words(grants)})
    return role


@service("role.updated")
def update_role(*, actor: Actor, role: Role, name: str, description: str) -> Role:
    """Change a custom role's name or description."""
    role = _to_change(actor, role)
    before = snapshot(role, FIELDS)
    role.name, role.description = required("name", name), description.strip()[:400]
    changed = changes(before, snapshot(role, FIELDS))
    if not changed:
        unchanged()
        return role
    _check_name(role)
    role.save(update_fields=list(FIELDS))
    record(role, before=changed.before, after=changed.after)
    return role


@service("role.updated")
def change_role_grants(*, actor: Actor, role: Role, give: Iterable[Grant] = (), take: Iterable[Grant] = ()) -> Role:
    """Let a custom role allow more and less; what is in neither list stays. It holds from the next request on.

    Raises ``Invalid`` for rights that no custom role can hold, ``NotFound`` for objects of elsewhere.
    """
    role = _to_change(actor, role)
    held = grants_of_role(role)
    more, less = set(give) - held, (set(take) - set(give)) & held
    for grant in more:
        if not is_grantable(grant.permission):
            raise Invalid(f"A custom role cannot hold the right to {grant.permission.words}.")
    if not more and not less:
        unchanged()
        return role
    names = _names_of(more | less)
    _take(role, less)
    _give(role, more)
    record(role, before=_in_words(less, names), after=_in_words(more, names))
    forget_grants()
    return role


@service("role.deleted")
def delete_role(*, actor: Actor, role: Role) -> None:
    """Delete a custom role that no group holds."""
    role = _to_change(actor, role)
    groups = list(GroupRole.objects.filter(role=role).order_by("group__name").values_list("group__name", flat=True))
    if groups:
        more = f" and {len(groups) - 5:,} more" if len(groups) > 5 else ""
        raise Conflict(
            f"“{role.name}” is the role of {', '.join(groups[:5])}{more}.",
            hint="Give those groups another role first.",
            code="role_in_use",
        )
    record(role, before=snapshot(role, FIELDS))
    role.delete()


def give_to_maker(actor: Actor, side: str, object_id: int, creating: Permission) -> list[str]:
    """Let the roles by which a person was able to create something hold every right on it; their names.

    Custom roles that hold no right on everything would otherwise leave people with what they may not use.
    The service that made the thing audits it.
    """
    if actor.user_id is None:
        return []
    mine = GroupRole.objects.filter(group__members__member__user_id=actor.user_id).values("role")
    able = Role.objects.filter(pk__in=mine, kind=RoleKind.CUSTOM, grants__permission=creating)
    given = []
    for role in able.order_by("name"):
        _give(role, {Grant(permission, object_id) for permission in permissions_of(side)})
        given.append(role.name)
    forget_grants()
    return given


def share_new(side: str, object_id: int, chosen: Mapping[int, Iterable[Permission]]) -> dict[str, list[str]]:
    """Let custom roles hold rights on something that was just made; by name, which they hold now besides.

    The service that made the thing checks who asks, and audits it. Raises ``NotFound`` for a role of elsewhere,
    ``Invalid`` for a right that is none of this side's.
    """
    given: dict[str, list[str]] = {}
    roles = {role.pk: role for role in Role.objects.filter(pk__in=chosen, kind=RoleKind.CUSTOM)}
    for role_id, permissions in chosen.items():
        wanted = set(permissions)
        if role_id not in roles:
            raise NotFound("There is no such role here.")
        if not wanted <= set(permissions_of(side)):
            raise Invalid(f"That is no right on a {noun_of(side)}.")
        role = roles[role_id]
        more = {Grant(permission, object_id) for permission in wanted} - grants_of_role(role)
        _give(role, more)
        if more:
            given[role.name] = sorted(grant.permission.words for grant in more)
    forget_grants()
    return given


def _to_change(actor: Actor, role: Role) -> Role:
    """The role, locked, if it is one that people may change."""
    require(actor, Permission.MANAGE_WORKSPACE)
    role = Role.objects.select_for_update().get(pk=role.pk)
    if role.kind != RoleKind.CUSTOM:
        raise Denied(f"“{role.name}” is a pre-built role and stays as it is.", hint="Make a copy and change that.")
    return role


def _check_name(role: Role) -> None:
    if Role.objects.filter(name__iexact=role.name).exclude(pk=role.pk).exists():
        raise Invalid.field("name", f"There is already a role “{role.name}”.")


def _give(role: Role, grants: Iterable[Grant]) -> None:
    general, single = _apart(grants)
    place = {"workspace_id": role.workspace_id, "role": role}
    RoleGrant.objects.bulk_create(RoleGrant(**place, permission=grant.permission) for grant in general)
    for side, of_side in single.items():
        stored = _stored_permissions(side)
        model: Any = grant_models()[side]
        ids = {grant.object_id for grant in of_side}
        if targets(side).filter(pk__in=ids).count() != len(ids):
            raise NotFound(f"There is no such {noun_of(side)} here.")
        model.objects.bulk_create(
            model(**place, permission_id=stored[grant.permission.codename], content_object_id=grant.object_id)
            for grant in of_side
        )


def _take(role: Role, grants: Iterable[Grant]) -> None:
    general, single = _apart(grants)
    RoleGrant.objects.filter(role=role, permission__in=[grant.permission for grant in general]).delete()
    for side, of_side in single.items():
        model: Any = grant_models()[side]
        for permission in {grant.permission for grant in of_side}:
            ids = [grant.object_id for grant in of_side if grant.permission is permission]
            rows = model.objects.filter(role=role, permission__codename=permission.codename)
            rows.filter(content_object_id__in=ids).delete()


def _apart(grants: Iterable[Grant]) -> tuple[list[Grant], dict[str, list[Grant]]]:
    """Those for the whole workspace, and those on single objects by side."""
    general: list[Grant] = []
    single: dict[str, list[Grant]] = {}
    for grant in sorted(grants, key=lambda grant: (grant.permission, grant.object_id or 0)):
        if grant.object_id is None:
            general.append(grant)
        else:
            single.setdefault(grant.permission.side, []).append(grant)
    return general, single


def _stored_permissions(side: str) -> Mapping[str, int]:
    """Ids of Django's own permission rows, which object grants name, by codename."""
    content_type = ContentType.objects.get_for_model(grant_target(side))
    return dict(StoredPermission.objects.filter(content_type=content_type).values_list("codename", "pk"))


def _names_of(grants: Iterable[Grant]) -> dict[tuple[str, int], str]:
    names: dict[tuple[str, int], str] = {}
    for side, of_side in _apart(grants)[1].items():
        ids = {grant.object_id for grant in of_side}
        rows = targets(side).filter(pk__in=ids)
        names |= {(side, pk): name for pk, name in rows.values_list("pk", "name")}
    return names


def _in_words(grants: Iterable[Grant], names: Mapping[tuple[str, int], str] | None = None) -> dict[str, Any]:
    """Rights as an audit entry shows them: each with the objects it is held on."""
    general, single = _apart(grants)
    names = _names_of(grants) if names is None else names
    words: dict[str, Any] = {grant.permission.value: "everywhere" for grant in general}
    for side, of_side in single.items():
        for permission in sorted({grant.permission for grant in of_side}):
            on = sorted(names.get((side, g.object_id or 0), "") for g in of_side if g.permission is permission)
            kept = on[:NAMES_KEPT] + ([f"{len(on) - NAMES_KEPT:,} more"] if len(on) > NAMES_KEPT else [])
            key = permission.value if permission.value not in words else f"{permission.value} on single ones"
            words[key] = kept
    return words
