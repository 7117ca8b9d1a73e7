"""The settings pages of a workspace, and those of its organization."""

from workspaces.views.access import access, access_people, access_person, access_who, end_look, group_role, look
from workspaces.views.areas import area, areas
from workspaces.views.folders import change_folder, delete_folder, delete_folder_and_contents, new_folder
from workspaces.views.general import general, palette, profile
from workspaces.views.groups import (
    built_in_group,
    built_in_group_add,
    built_in_group_remove,
    delete_group,
    group,
    group_add,
    group_remove,
    group_roles,
    groups,
    new_group,
)
from workspaces.views.help import guide, hint
from workspaces.views.keys import api_keys, new_api_key, new_service_account, revoke_api_keys, service_accounts
from workspaces.views.membership import approve_membership_request, decline_membership_request, membership_requests
from workspaces.views.organization import delete_workspace, new_workspace, organization, switch, workspaces
from workspaces.views.people import (
    invitations,
    invite,
    member,
    member_group,
    people,
    remove_member,
    renew_invitation,
    withdraw,
)
from workspaces.views.roles import delete_role, new_role, role, role_general, role_side, role_side_all, roles
from workspaces.views.saved import favourite, favourites, saved_filter, saved_filters
from workspaces.views.search import search
from workspaces.views.spaces import delete_space, new_space, space, spaces, switch_spaces

__all__ = [
    "access",
    "access_people",
    "access_person",
    "access_who",
    "api_keys",
    "approve_membership_request",
    "area",
    "areas",
    "built_in_group",
    "built_in_group_add",
    "built_in_group_remove",
    "change_folder",
    "decline_membership_request",
    "delete_folder",
    "delete_folder_and_contents",
    "delete_group",
    "delete_role",
    "delete_space",
    "delete_workspace",
    "end_look",
    "favourite",
    "favourites",
    "general",
    "group",
    "group_add",
    "group_remove",
    "group_role",
    "group_roles",
    "groups",
    "guide",
    "hint",
    "invitations",
    "invite",
    "look",
    "member",
    "member_group",
    "membership_requests",
    "new_api_key",
    "new_folder",
    "new_group",
    "new_role",
    "new_service_account",
    "new_space",
    "new_workspace",
    "organization",
    "palette",
    "people",
    "profile",
    "remove_member",
    "renew_invitation",
    "revoke_api_keys",
    "role",
    "role_general",
    "role_side",
    "role_side_all",
    "roles",
    "saved_filter",
    "saved_filters",
    "search",
    "service_accounts",
    "space",
    "spaces",
    "switch",
    "switch_spaces",
    "withdraw",
    "workspaces",
]
