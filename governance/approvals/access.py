"""The only way from an id to a draft, and the rule about publishing directly."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from config.errors import Denied, HeadraceError, NotFound
from governance.approvals.choices import OPEN
from governance.approvals.models import ApprovalPolicy, Draft
from governance.approvals.registry import governed, kinds
from governance.audit.actors import Actor
from workspaces.access import require
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

HOW = (
    "In the pages choose “Submit for approval” or “Save as draft”; through the API send "
    '"publication": "request" or "draft".'
)


class ApprovalRequired(Denied):
    """The change may be proposed, but not made live like this."""

    code = "approval_required"


def draft_for(actor: Actor, draft_id: int) -> Draft:
    """A draft that the actor may read: members read all configuration of their workspace."""
    require(actor, Permission.MEMBER)
    rows = drafts_in_view(actor).select_related("requested_by", "workspace")
    found = rows.filter(pk=draft_id).first()
    if found is None:
        raise NotFound("There is no such request here.")
    return found


def drafts_in_view(actor: Actor) -> QuerySet[Draft]:
    """The drafts of resources that the actor sees, and their own."""
    rows = Draft.objects.all()
    for of in kinds():
        seen = of.in_view(actor)
        if seen is not None:
            own = Q(created_by_id=actor.user_id or 0)
            rows = rows.filter(~Q(kind=of.kind) | Q(resource_id__in=seen.values("pk")) | own)
    return rows


def locked_draft(draft_id: int) -> Draft:
    """A draft, locked."""
    found = Draft.objects.select_for_update(no_key=True).filter(pk=draft_id).first()
    if found is None:
        raise NotFound("There is no such request here.")
    return found


def policy_here() -> ApprovalPolicy:
    """The workspace's rule; an unsaved one with the defaults where nobody set any."""
    return ApprovalPolicy.objects.first() or ApprovalPolicy(workspace_id=current_workspace_id())


def open_draft(kind: str, resource_id: int) -> Draft | None:
    """The one draft of a resource that can still become live."""
    return Draft.objects.filter(kind=kind, resource_id=resource_id, state__in=OPEN).first()


def require_direct(actor: Actor) -> None:
    """Raise unless changes may be published without anybody else's yes.

    System actors apply what was decided elsewhere and are not held up. The rights on
    both sides are checked by whoever asks this.
    """
    policy = policy_here()
    if actor.is_system or not policy.needs_others:
        return
    needs = "somebody else's approval" if policy.approvers == 1 else f"{policy.approvers} approvals"
    raise ApprovalRequired(f"In this workspace the change needs {needs} before it is live.", hint=HOW)


def may_approve(actor: Actor, draft: Draft) -> bool:
    """Whether the actor may approve this draft, by their rights and the workspace's rule."""
    try:
        governed(draft.kind).require_approve(actor, draft.resource_id)
        require_other(actor, draft, policy_here())
    except HeadraceError:
        return False
    return True


def may_draft(actor: Actor, draft: Draft) -> bool:
    """Whether the actor may edit this draft."""
    try:
        governed(draft.kind).require_draft(actor, draft.resource_id)
    except HeadraceError:
        return False
    return True


def require_other(actor: Actor, draft: Draft, policy: ApprovalPolicy) -> None:
    """Raise where people may not approve what they wrote themselves."""
    if policy.required and not policy.self_approval and actor.user_id in draft.editors:
        raise Denied(
            "You wrote a part of this draft, and in this workspace nobody approves their own changes.",
            hint="Ask one of the others who may approve it.",
            code="self_approval",
        )
