"""What a role can be granted: the registered permission names.

General ones hold for the workspace; ``source.*``, ``destination.*``,
``parent_model.*`` and ``subset.*`` hold for all of them or, by an object grant,
for one. The draft and approve grants of a side together are the right to change
what is live there (see ``CONFIGURE_*``); draft alone is the right to propose.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypedDict


class Permission(StrEnum):
    """A grantable right. The value is stored, shown by the API and used in templates."""

    # The organization; held by its admins and viewers, never granted to a role
    VIEW_ORGANIZATION = "organization.read"
    MANAGE_ORGANIZATION = "organization.manage"
    # Its admins' too; a right of its own because pages ask for the password again, and keys need a scope for it
    MANAGE_SIGN_IN = "organization.manage_sign_in"
    # The workspace as a whole
    MEMBER = "workspace.read"
    MANAGE_WORKSPACE = "workspace.manage"
    CREATE_SOURCE = "source.create"
    CREATE_DESTINATION = "destination.create"
    # Each source
    VIEW_ROWS = "source.view_rows"
    DRAFT_FROM_SOURCE = "source.draft"
    APPROVE_FROM_SOURCE = "source.approve"
    CONFIGURE_SCHEMA = "source.configure_schema"
    MANAGE_SOURCE = "source.manage"
    # Each destination
    TRIGGER = "destination.trigger"
    DRAFT_TO_DESTINATION = "destination.draft"
    APPROVE_TO_DESTINATION = "destination.approve"
    MANAGE_DESTINATION = "destination.manage"
    # Each parent model
    VIEW_MEMBERS = "parent_model.view_rows"
    CONFIGURE_AUDIENCES = "parent_model.configure"
    # Each subset of a parent model's rows
    USE_SUBSET = "subset.use"

    @property
    def side(self) -> str:
        """What an object grant of it names, ``source``, ``destination`` and so on; or ``workspace``."""
        if self in (Permission.CREATE_SOURCE, Permission.CREATE_DESTINATION):
            return "workspace"
        return self.value.partition(".")[0]

    @property
    def codename(self) -> str:
        """The name an object grant stores, without its side."""
        return self.value.partition(".")[2]

    @property
    def words(self) -> str:
        """What holding it lets one do; completes "may …" and "you need the right to …"."""
        return _WORDS[self]


_WORDS = {
    Permission.VIEW_ORGANIZATION: "see the organization's people, groups and workspaces",
    Permission.MANAGE_ORGANIZATION: "manage the organization's people, groups and workspaces",
    Permission.MANAGE_SIGN_IN: "change how the organization's people sign in",
    Permission.MEMBER: "open this workspace",
    Permission.MANAGE_WORKSPACE: "manage this workspace",
    Permission.CREATE_SOURCE: "create sources",
    Permission.CREATE_DESTINATION: "create destinations",
    Permission.VIEW_ROWS: "view the source's row data",
    Permission.DRAFT_FROM_SOURCE: "draft models and syncs on the source",
    Permission.APPROVE_FROM_SOURCE: "publish models and syncs on the source",
    Permission.CONFIGURE_SCHEMA: "configure the source's schema",
    Permission.MANAGE_SOURCE: "change the source's connection",
    Permission.TRIGGER: "run syncs to the destination",
    Permission.DRAFT_TO_DESTINATION: "draft syncs to the destination",
    Permission.APPROVE_TO_DESTINATION: "publish syncs to the destination",
    Permission.MANAGE_DESTINATION: "change the destination's connection",
    Permission.VIEW_MEMBERS: "view the parent model's row data",
    Permission.CONFIGURE_AUDIENCES: "configure audiences and their syncs on the parent model",
    Permission.USE_SUBSET: "see and build audiences from the subset",
}

# Changing what is live on one side: creating, editing, deleting and scheduling.
CONFIGURE_FROM_SOURCE = (Permission.DRAFT_FROM_SOURCE, Permission.APPROVE_FROM_SOURCE)
CONFIGURE_TO_DESTINATION = (Permission.DRAFT_TO_DESTINATION, Permission.APPROVE_TO_DESTINATION)


# What a custom role can hold for the whole workspace. Managing it belongs to its admins alone.
GENERAL = (Permission.CREATE_SOURCE, Permission.CREATE_DESTINATION)


class On(TypedDict, total=False):
    """The objects that rights of their side are asked for."""

    source_id: int | None
    destination_id: int | None
    parent_model_id: int | None
    subset_id: int | None


def noun_of(side: str) -> str:
    """What people call the objects of a side, in the singular."""
    return side.replace("_", " ")


def permissions_of(side: str) -> tuple[Permission, ...]:
    """What can be granted on the objects of one side, in the order of :class:`Permission`."""
    return tuple(p for p in Permission if p.side == side)


def object_permissions(side: str) -> list[tuple[str, str]]:
    """``Meta.permissions`` of the model that object grants of this side name."""
    return [(p.codename, p.words) for p in permissions_of(side)]
