"""User groups, who is in them, and the role each holds in a workspace."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from config.errors import Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import forget_grants, require
from workspaces.models import GroupMember, GroupRole, Organization, OrganizationMember, Role, UserGroup, Workspace
from workspaces.permissions import Permission
from workspaces.services.checks import required

FIELDS = ("name", "description")


@service("group.created")
def create_group(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    description: str = "",
    members: Iterable[OrganizationMember] = (),
) -> UserGroup:
    """A new group; it has no access anywhere until it is given a role."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    group = UserGroup(organization=organization, name=required("name", name), description=description.strip()[:400])
    _check_name(group)
    group.save()
    joined = _set_members(group, members)
    record(group, after={**snapshot(group, FIELDS), "members": joined})
    forget_grants()
    return group


@service("group.updated")
def update_group(*, actor: Actor, group: UserGroup, name: str, description: str) -> UserGroup:
    """Change a group's name or description."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    group = UserGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    before = snapshot(group, FIELDS)
    group.name, group.description = required("name", name), description.strip()[:400]
    changed = changes(before, snapshot(group, FIELDS))
    if not changed:
        unchanged()
        return group
    _check_name(group)
    group.save(update_fields=list(FIELDS))
    record(group, before=changed.before, after=changed.after)
    return group


@service("group.updated")
def set_group_members(*, actor: Actor, group: UserGroup, members: Iterable[OrganizationMember]) -> UserGroup:
    """Make these, and only these, people the group's members."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    group = UserGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    before = _member_emails(group)
    after = _set_members(group, members)
    if before == after:
        unchanged()
        return group
    record(group, before={"members": before}, after={"members": after})
    forget_grants()
    return group


@service("group.updated")
def change_group_members(
    *, actor: Actor, group: UserGroup, add: Iterable[OrganizationMember] = (), remove: Iterable[OrganizationMember] = ()
) -> UserGroup:
    """Put people into a group and take others out; everybody else stays."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    group = UserGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    joining, leaving = {member.pk for member in add}, {member.pk for member in remove}
    before = _member_emails(group)
    kept = OrganizationMember.objects.filter(groups__group=group).exclude(pk__in=leaving)
    after = _set_members(group, OrganizationMember.objects.filter(Q(pk__in=kept.values("pk")) | Q(pk__in=joining)))
    if before == after:
        unchanged()
        return group
    joined, left = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    record(group, before={"members": left} if left else None, after={"members": joined} if joined else None)
    forget_grants()
    return group


@service("group.deleted")
def delete_group(*, actor: Actor, group: UserGroup) -> None:
    """Delete a group; its members lose what only it gave them, in every workspace."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    group = UserGroup.objects.select_for_update(no_key=False).get(pk=group.pk)  # rows that point to it go too
    record(group, before={**snapshot(group, FIELDS), "members": _member_emails(group)})
    group.delete()
    forget_grants()


@service("group_role.changed")
def set_group_role(*, actor: Actor, workspace: Workspace, group: UserGroup, role: Role | None) -> GroupRole | None:
    """Give a group a role in the workspace of the current scope, or take it away."""
    require(actor, Permission.MANAGE_WORKSPACE)
    held = GroupRole.objects.select_for_update(no_key=True, of=("self",)).filter(group=group)
    held = held.select_related("role")
    current = held.first()
    before = current.role if current else None
    if before == role:
        unchanged()
        return current
    if role is None:
        held.delete()
    else:
        current, _ = GroupRole.objects.update_or_create(
            workspace=workspace,
            group=group,
            defaults={"role": role},
            create_defaults={"role": role, "organization_id": workspace.organization_id},
        )
    record(
        GroupRole(pk=group.pk, workspace=workspace, organization_id=workspace.organization_id),
        before={"role": before.name if before else None},
        after={"role": role.name if role else None},
        label=group.name,
    )
    forget_grants()
    return current if role else None


def _check_name(group: UserGroup) -> None:
    same = UserGroup.objects.filter(organization_id=group.organization_id, name=group.name).exclude(pk=group.pk)
    if same.exists():
        raise Invalid.field("name", f"There is already a group “{group.name}”.")


def _member_emails(group: UserGroup) -> list[str]:
    return sorted(group.members.values_list("member__user__email", flat=True))


def _set_members(group: UserGroup, members: Iterable[OrganizationMember]) -> list[str]:
    wanted = {member.pk for member in members}
    leaving = group.members.exclude(member_id__in=wanted)
    mapped = leaving.filter(by_provider=True).values_list("member__user__email", flat=True).order_by("pk").first()
    if mapped is not None:
        raise Invalid.field(
            "members",
            f"{mapped} is in this group by the identity provider's groups, and can only be taken out there.",
        )
    leaving.delete()
    GroupMember.objects.bulk_create(
        (GroupMember(organization_id=group.organization_id, group=group, member_id=pk) for pk in sorted(wanted)),
        ignore_conflicts=True,
    )
    return _member_emails(group)
