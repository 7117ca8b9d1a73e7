"""The audit events of organizations, workspaces, people, groups and keys."""

from __future__ import annotations

from governance.audit.events import register

register("organization.created", "created the organization")
register("workspace.created", "created the workspace")
register("workspace.updated", "changed the workspace")
register("person.created", "signed up")
register("person.updated", "changed their profile")
register("session.signed_in", "signed in")
register("session.signed_out", "signed out")
register("session.refused", "failed to sign in")
register("password.changed", "changed their password")
register("email.changed", "changed their e-mail address")
register("member.joined", "joined the organization")
register("member.updated", "changed a person's place in the organization")
register("member.removed", "removed a person from the organization")
register("invitation.created", "invited a person")
register("invitation.withdrawn", "withdrew an invitation")
register("group.created", "created the group")
register("group.updated", "changed the group")
register("group.deleted", "deleted the group")
register("group_role.changed", "changed a group's role in the workspace")
register("api_key.created", "created an API key")
register("api_key.revoked", "revoked an API key")
