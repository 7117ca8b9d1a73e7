"""The settings pages of a workspace."""

from workspaces.views.general import general, new_workspace, palette, profile
from workspaces.views.groups import delete_group, group, group_role, groups, new_group
from workspaces.views.keys import api_keys, new_api_key, revoke_api_key
from workspaces.views.people import invite, member, people, remove_member, withdraw

__all__ = [
    "api_keys",
    "delete_group",
    "general",
    "group",
    "group_role",
    "groups",
    "invite",
    "member",
    "new_api_key",
    "new_group",
    "new_workspace",
    "palette",
    "people",
    "profile",
    "remove_member",
    "revoke_api_key",
    "withdraw",
]
