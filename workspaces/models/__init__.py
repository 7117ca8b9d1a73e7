"""Who works here: organizations, workspaces, people, groups, roles, grants, keys and invitations."""

from workspaces.models.keys import ApiKey, Invitation, InvitationGroup
from workspaces.models.organizations import Organization, RetiredSlug, Workspace
from workspaces.models.people import GroupMember, OrganizationMember, User, UserGroup
from workspaces.models.roles import GroupRole, ObjectGrant, Role, RoleGrant

__all__ = [
    "ApiKey",
    "GroupMember",
    "GroupRole",
    "Invitation",
    "InvitationGroup",
    "ObjectGrant",
    "Organization",
    "OrganizationMember",
    "RetiredSlug",
    "Role",
    "RoleGrant",
    "User",
    "UserGroup",
    "Workspace",
]
