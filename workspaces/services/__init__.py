"""Every write to organizations, workspaces, people, groups and keys."""

from workspaces.services.accounts import (
    change_password,
    create_person,
    note_new_email,
    refuse_sign_in,
    sign_in,
    sign_out,
    update_profile,
)
from workspaces.services.groups import create_group, delete_group, set_group_members, set_group_role, update_group
from workspaces.services.keys import NewApiKey, create_api_key, revoke_api_key, touch_api_key
from workspaces.services.organizations import create_organization, create_workspace, update_workspace
from workspaces.services.people import (
    accept_invitation,
    invite_person,
    remove_person,
    sends_mail,
    update_member,
    withdraw_invitation,
)

__all__ = [
    "NewApiKey",
    "accept_invitation",
    "change_password",
    "create_api_key",
    "create_group",
    "create_organization",
    "create_person",
    "create_workspace",
    "delete_group",
    "invite_person",
    "note_new_email",
    "refuse_sign_in",
    "remove_person",
    "revoke_api_key",
    "sends_mail",
    "set_group_members",
    "set_group_role",
    "sign_in",
    "sign_out",
    "touch_api_key",
    "update_group",
    "update_member",
    "update_profile",
    "update_workspace",
    "withdraw_invitation",
]
