"""The workspace's rule about approvals."""

from __future__ import annotations

from config.errors import Invalid
from governance.approvals.access import policy_here
from governance.approvals.announcements import places
from governance.approvals.models import MAX_APPROVERS, ApprovalPolicy
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import require
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

AUDITED = ("required", "self_approval", "approvers", "channel_id")


@service("approval_policy.changed")
def set_policy(
    *, actor: Actor, required: bool, self_approval: bool = True, approvers: int = 1, channel_id: int | None = None
) -> ApprovalPolicy:
    """Say whether changes of models and syncs need approval, and by whom. Open requests stay open either way."""
    require(actor, Permission.MANAGE_WORKSPACE)
    if not 1 <= approvers <= MAX_APPROVERS:
        raise Invalid.field("approvers", f"Choose between 1 and {MAX_APPROVERS} approvals.")
    if channel_id is not None and channel_id not in dict(places()):
        raise Invalid.field("channel_id", "There is no such notification channel here.")
    Workspace.objects.select_for_update(no_key=True).get(pk=current_workspace_id())
    policy = policy_here()
    before = snapshot(policy, AUDITED)
    policy.required, policy.self_approval = required, self_approval
    policy.approvers, policy.channel_id = approvers, channel_id
    changed = changes(before, snapshot(policy, AUDITED))
    if not changed:
        unchanged()
        return policy
    policy.save()
    record(policy, before=changed.before, after=changed.after)
    return policy
