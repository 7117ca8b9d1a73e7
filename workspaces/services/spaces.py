"""Spaces: what parts of a workspace there are, and which groups see them."""

from __future__ import annotations

from collections.abc import Iterable

from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces import spaces
from workspaces.access import forget_grants, require, space_for
from workspaces.models import Space, SpaceGroup, UserGroup, Workspace
from workspaces.permissions import Permission
from workspaces.services.checks import required

FIELDS = ("name", "description")


@service("workspace.updated")
def switch_spaces(*, actor: Actor, workspace: Workspace, enabled: bool) -> Workspace:
    """Offer spaces in this workspace, or no longer: only once there are none, so that nothing hidden comes out."""
    require(actor, Permission.MANAGE_WORKSPACE)
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if workspace.spaces_enabled == enabled:
        unchanged()
        return workspace
    if not enabled and Space.objects.exists():
        raise Conflict(
            "There are spaces in this workspace.", hint="Delete them first: what only some people see stays hidden."
        )
    workspace.spaces_enabled = enabled
    workspace.save(update_fields=["spaces_enabled"])
    record(workspace, before={"spaces_enabled": not enabled}, after={"spaces_enabled": enabled})
    return workspace


@service("space.created")
def create_space(
    *, actor: Actor, workspace: Workspace, name: str, description: str = "", groups: Iterable[UserGroup] = ()
) -> Space:
    """A new space that these groups see, beside the workspace's admins."""
    require(actor, Permission.MANAGE_WORKSPACE)
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if not workspace.spaces_enabled:
        raise Conflict("Spaces are switched off in this workspace.", hint="Switch them on in its settings first.")
    space = Space(workspace=workspace, name=_name(name), description=description.strip()[:400])
    _check_name(space)
    space.save()
    seen_by = _set_groups(space, workspace.organization_id, groups)
    record(space, after={**snapshot(space, FIELDS), "groups": seen_by})
    forget_grants()
    return space


@service("space.updated")
def update_space(
    *,
    actor: Actor,
    space: Space,
    name: str | None = None,
    description: str | None = None,
    groups: Iterable[UserGroup] | None = None,
) -> Space:
    """Change a space's name and words, and which groups see it; what is left out stays."""
    require(actor, Permission.MANAGE_WORKSPACE)
    space = space_for(actor, space.pk, lock=True)
    before = {**snapshot(space, FIELDS), "groups": _group_names(space)}
    if name is not None:
        space.name = _name(name)
    if description is not None:
        space.description = description.strip()[:400]
    _check_name(space)
    if groups is not None:
        _set_groups(space, space.workspace.organization_id, groups)
    changed = changes(before, {**snapshot(space, FIELDS), "groups": _group_names(space)})
    if not changed:
        unchanged()
        return space
    space.save(update_fields=list(FIELDS))
    record(space, before=changed.before, after=changed.after)
    forget_grants()
    return space


@service("space.deleted")
def delete_space(*, actor: Actor, space: Space) -> None:
    """Delete a space that holds nothing any more."""
    require(actor, Permission.MANAGE_WORKSPACE)
    space = space_for(actor, space.pk, lock=True)
    if held := spaces.contents_of(space):
        raise Conflict(f"“{space}” still holds {held}.", hint="Move them to another space or to everyone first.")
    record(space, before={**snapshot(space, FIELDS), "groups": _group_names(space)})
    space.delete()
    forget_grants()


def _name(name: str) -> str:
    name = required("name", " ".join(name.split()))
    if name.casefold() == spaces.EVERYONE.casefold():
        raise Invalid.field("name", f"“{spaces.EVERYONE}” is what everything outside of spaces is called.")
    return name


def _check_name(space: Space) -> None:
    if Space.objects.filter(name=space.name).exclude(pk=space.pk).exists():
        raise Invalid.field("name", f"There is already a space “{space.name}”.")


def _group_names(space: Space) -> list[str]:
    return sorted(space.groups.values_list("group__name", flat=True))


def _set_groups(space: Space, organization_id: int, groups: Iterable[UserGroup]) -> list[str]:
    wanted = {group.pk for group in groups}
    space.groups.exclude(group_id__in=wanted).delete()
    SpaceGroup.objects.bulk_create(
        (
            SpaceGroup(workspace_id=space.workspace_id, organization_id=organization_id, space=space, group_id=pk)
            for pk in sorted(wanted)
        ),
        ignore_conflicts=True,
    )
    return _group_names(space)
