"""Who works here: organizations, workspaces, people, groups, roles, grants, keys and invitations."""

from workspaces.models.hints import DismissedHint
from workspaces.models.keys import ApiKey, Invitation, InvitationGroup
from workspaces.models.organizations import Organization, RetiredSlug, Workspace
from workspaces.models.organizing import DefaultView, Favourite, Folder, Labelled, SavedFilter, Space, SpaceGroup
from workspaces.models.people import GroupMember, OrganizationMember, User, UserGroup
from workspaces.models.requests import MembershipRequest
from workspaces.models.roles import GroupRole, ObjectGrant, Role, RoleGrant
from workspaces.models.sign_in import (
    DirectoryEmail,
    DirectoryGroup,
    DirectoryMembership,
    DirectoryPerson,
    EmailDomain,
    GroupMapping,
    IdentityProvider,
    ScimToken,
    SignInRules,
    SsoAttempt,
)

__all__ = [
    "ApiKey",
    "DefaultView",
    "DirectoryEmail",
    "DirectoryGroup",
    "DirectoryMembership",
    "DirectoryPerson",
    "DismissedHint",
    "EmailDomain",
    "Favourite",
    "Folder",
    "GroupMapping",
    "GroupMember",
    "GroupRole",
    "IdentityProvider",
    "Invitation",
    "InvitationGroup",
    "Labelled",
    "MembershipRequest",
    "ObjectGrant",
    "Organization",
    "OrganizationMember",
    "RetiredSlug",
    "Role",
    "RoleGrant",
    "SavedFilter",
    "ScimToken",
    "SignInRules",
    "Space",
    "SpaceGroup",
    "SsoAttempt",
    "User",
    "UserGroup",
    "Workspace",
]
