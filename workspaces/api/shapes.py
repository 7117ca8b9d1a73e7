"""What the REST API takes and gives of people, groups, roles, invitations and workspaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers

from config.api import ListQuery
from config.errors import Invalid, NotFound
from workspaces import grants, selectors
from workspaces.egress import addresses_of
from workspaces.grants import Grant
from workspaces.models import GroupRole, Invitation, OrganizationMember, Role, UserGroup, Workspace
from workspaces.permissions import Permission


class Ids(serializers.ListField):
    """Ids as strings or numbers."""

    child = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class MembersQuery(ListQuery):
    """Lists of people, by e-mail."""

    orderable: Mapping[str, str] = {"id": "id", "email": "user__email", "joinedAt": "joined_at"}
    email = serializers.CharField(required=False)


class NamedQuery(ListQuery):
    """Lists of what has a name and no slug."""

    orderable: Mapping[str, str] = {"id": "id", "name": "name"}


class GrantBody(serializers.Serializer[Any]):
    """A right, in the whole workspace or (``id``) on one source or destination."""

    permission = serializers.ChoiceField(choices=[p.value for p in Permission])
    id = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)


class RoleBody(serializers.Serializer[Any]):
    """A custom role. ``grants``, where given, becomes all that it holds."""

    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")
    grants = GrantBody(many=True, required=False)


class RoleChange(RoleBody):
    """What to change of a role; what is left out stays."""

    name = serializers.CharField(max_length=120, required=False)


class RoleOut(serializers.Serializer[Any]):
    """A role. Pre-built ones hold their rights everywhere, and do not change."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.CharField()
    grants = GrantBody(many=True)
    groups = serializers.ListField(child=serializers.CharField())


class GroupBody(serializers.Serializer[Any]):
    """A group; ``members``, where given, becomes everybody in it."""

    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")
    members = Ids(required=False)


class GroupChange(GroupBody):
    """What to change of a group; what is left out stays."""

    name = serializers.CharField(max_length=120, required=False)


class GroupOut(serializers.Serializer[Any]):
    """A group, and the role it holds in the key's workspace."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    members = serializers.ListField(child=serializers.CharField())
    roleId = serializers.CharField(allow_null=True)


class GroupRoleBody(serializers.Serializer[Any]):
    """The role a group is to hold in the key's workspace; null takes its access away."""

    roleId = serializers.IntegerField(allow_null=True, min_value=1, max_value=2**63 - 1)


class MemberChange(serializers.Serializer[Any]):
    """A person's place in the organization."""

    isAdmin = serializers.BooleanField(required=False, allow_null=True)
    isViewer = serializers.BooleanField(required=False, allow_null=True)


class MemberOut(serializers.Serializer[Any]):
    """A person of the organization."""

    id = serializers.CharField()
    email = serializers.CharField()
    name = serializers.CharField()
    isAdmin = serializers.BooleanField()
    isViewer = serializers.BooleanField()
    isServiceAccount = serializers.BooleanField()
    groups = serializers.ListField(child=serializers.CharField())
    joinedAt = serializers.DateTimeField()
    lastSignInAt = serializers.DateTimeField(allow_null=True)


class RightOut(serializers.Serializer[Any]):
    """A right a person holds here, and by which group and role; without names it holds on everything."""

    permission = serializers.CharField()
    by = serializers.CharField()
    everywhere = serializers.BooleanField()
    names = serializers.ListField(child=serializers.CharField())


class MemberAccessOut(serializers.Serializer[Any]):
    """What a person may do in the key's workspace, and what hangs on them in the organization."""

    rights = RightOut(many=True)
    belongings = serializers.DictField(child=serializers.IntegerField())


class InvitationBody(serializers.Serializer[Any]):
    """Whom to invite, and into which groups."""

    email = serializers.EmailField(max_length=254)
    groups = Ids(required=False, default=list)
    isAdmin = serializers.BooleanField(required=False, default=False)
    isViewer = serializers.BooleanField(required=False, default=False)


class InvitationOut(serializers.Serializer[Any]):
    """An invitation. ``link`` is there only in the answer that made it."""

    id = serializers.CharField()
    email = serializers.CharField()
    isAdmin = serializers.BooleanField()
    isViewer = serializers.BooleanField()
    groups = serializers.ListField(child=serializers.CharField())
    expiresAt = serializers.DateTimeField()
    link = serializers.CharField(allow_null=True)


class WorkspaceBody(serializers.Serializer[Any]):
    """A new workspace."""

    name = serializers.CharField(max_length=120)
    slug = serializers.CharField(max_length=63, required=False, allow_blank=True, default="")
    region = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class WorkspaceChange(serializers.Serializer[Any]):
    """What to change of a workspace; what is left out stays. Spaces are switched off only once there are none."""

    name = serializers.CharField(max_length=120, required=False)
    slug = serializers.CharField(max_length=63, required=False)
    spacesEnabled = serializers.BooleanField(required=False)


class WorkspaceDelete(serializers.Serializer[Any]):
    """The slug, typed again."""

    confirmSlug = serializers.CharField(max_length=63)


class WorkspaceOut(serializers.Serializer[Any]):
    """A workspace of the organization."""

    id = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()
    region = serializers.CharField()
    spacesEnabled = serializers.BooleanField()
    createdAt = serializers.DateTimeField()
    deletingAt = serializers.DateTimeField(allow_null=True)
    egressAddresses = serializers.ListField(child=serializers.CharField())


def roles_json(roles: Iterable[Role]) -> list[dict[str, Any]]:
    """Several roles with their grants and holders: a query for each kind of grant."""
    rows = list(roles)
    held = grants.grants_of_roles(rows)
    groups: dict[int, list[str]] = {row.pk: [] for row in rows}
    pairs = GroupRole.objects.filter(role__in=rows).order_by("group_id").values_list("role_id", "group_id")
    for role_id, group_id in pairs:
        groups[role_id].append(str(group_id))
    return [_role_json(row, held[row.pk], groups[row.pk]) for row in rows]


def role_json(role: Role) -> dict[str, Any]:
    """One role."""
    return roles_json([role])[0]


def _role_json(role: Role, held: set[Grant], groups: list[str]) -> dict[str, Any]:
    ordered = sorted(held, key=lambda g: (g.permission, g.object_id or 0))
    return {
        "id": str(role.pk),
        "name": role.name,
        "description": role.description,
        "kind": role.kind,
        "grants": [
            {"permission": grant.permission.value, "id": None if grant.object_id is None else str(grant.object_id)}
            for grant in ordered
        ],
        "groups": groups,
    }


def groups_json(groups: Iterable[UserGroup]) -> list[dict[str, Any]]:
    """Several groups with their members and roles: two queries."""
    rows = list(groups)
    members: dict[int, list[str]] = {row.pk: [] for row in rows}
    pairs = OrganizationMember.objects.filter(groups__group__in=rows).order_by("pk")
    for group_id, member_id in pairs.values_list("groups__group", "pk"):
        members.get(group_id, []).append(str(member_id))
    held = dict(GroupRole.objects.filter(group__in=rows).values_list("group_id", "role_id"))
    return [
        {
            "id": str(row.pk),
            "name": row.name,
            "description": row.description,
            "members": members[row.pk],
            "roleId": str(held[row.pk]) if row.pk in held else None,
        }
        for row in rows
    ]


def member_json(member: OrganizationMember) -> dict[str, Any]:
    """The wire shape of a person."""
    return {
        "id": str(member.pk),
        "email": member.user.email,
        "name": member.user.name,
        "isAdmin": member.is_admin,
        "isViewer": member.is_viewer,
        "isServiceAccount": member.user.is_service,
        "groups": member.group_names,  # type: ignore[attr-defined]  # annotated by roster.people
        "joinedAt": member.joined_at,
        "lastSignInAt": member.user.last_login,
    }


def invitation_json(invitation: Invitation, *, with_link: bool = False) -> dict[str, Any]:
    """The wire shape of an invitation."""
    return {
        "id": str(invitation.pk),
        "email": invitation.email,
        "isAdmin": invitation.is_admin,
        "isViewer": invitation.is_viewer,
        "groups": [str(place.group_id) for place in invitation.groups.all()],
        "expiresAt": invitation.expires_at,
        "link": selectors.invitation_link(invitation) if with_link else None,
    }


def workspace_json(workspace: Workspace) -> dict[str, Any]:
    """The wire shape of a workspace."""
    return {
        "id": str(workspace.pk),
        "name": workspace.name,
        "slug": workspace.slug,
        "region": workspace.region,
        "spacesEnabled": workspace.spaces_enabled,
        "egressAddresses": addresses_of(workspace),
        "createdAt": workspace.created_at,
        "deletingAt": workspace.deleting_at,
    }


def grants_in(bodies: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """The rights of a body; an id belongs only to rights on sources and destinations."""
    found = []
    for body in bodies:
        grant = Grant(Permission(body["permission"]), body.get("id"))
        if not grants.is_grantable(grant.permission) or (grant.object_id and grant.permission.side == "workspace"):
            raise Invalid.field("grants", f"A custom role cannot hold {grant.permission.value} like this.")
        found.append(grant)
    return found


def members_in(ids: list[int]) -> list[OrganizationMember]:
    return all_of(OrganizationMember.objects.all(), ids, "person")


def all_of(rows: Any, ids: list[int], noun: str) -> list[Any]:
    """The rows of these ids; one that is not here is not found."""
    found = list(rows.filter(pk__in=ids))
    if len(found) != len(set(ids)):
        raise NotFound(f"There is no such {noun} here.")
    return found
