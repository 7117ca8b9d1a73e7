"""Approving, publishing and declining."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils import timezone

from config.errors import Conflict
from governance.approvals.access import locked_draft, policy_here, require_other
from governance.approvals.choices import DraftState, Happening
from governance.approvals.models import Approval, Draft
from governance.approvals.registry import Governed, governed
from governance.approvals.services.drafts import (
    _announce,
    _checked_words,
    _requester,
    _require_revision,
    require_open,
    reviewer_ids,
)
from governance.audit.actors import Actor
from governance.audit.services import record, service


def approve_and_publish(*, actor: Actor, draft: Draft, revision: int, note: str = "") -> bool:
    """Say yes to one revision and, once there are enough approvals, make it live; whether it is."""
    draft = approve_draft(actor=actor, draft=draft, revision=revision, note=note)
    if draft.approvals.count() < needed_approvals():
        return False
    publish_draft(actor=actor, draft=draft)
    return True


@service("draft.approved")
def approve_draft(*, actor: Actor, draft: Draft, revision: int, note: str = "") -> Draft:
    """Say yes to exactly this revision. A draft nobody was asked about is approved by who may write it too."""
    of = governed(draft.kind)
    of.lock(draft.resource_id)
    of.require_approve(actor, draft.resource_id)
    draft = locked_draft(draft.pk)
    require_open(draft)
    if not draft.submitted:
        of.require_draft(actor, draft.resource_id)
    require_other(actor, draft, policy_here())
    _require_revision(draft, revision)
    require_current(draft, of)
    if actor.user_id and draft.approvals.filter(user_id=actor.user_id).exists():
        raise Conflict(
            "You approved this already.", hint="Somebody else's approval is needed.", code="approved_already"
        )
    note = _checked_words(note, "note")
    Approval.objects.create(
        workspace_id=draft.workspace_id,
        draft=draft,
        user_id=actor.user_id,
        label=actor.label[:320],
        revision=draft.revision,
        at=timezone.now(),
    )
    record(draft, after={"revision": draft.revision, "note": note})
    if draft.submitted and draft.approvals.count() < needed_approvals():
        people = [*_requester(draft), *reviewer_ids(draft)]
        _announce(Happening.APPROVED, draft, actor, of, words=note, people=people)
    return draft


def publish_draft(*, actor: Actor, draft: Draft) -> None:
    """Make an approved draft live, through the service of the app that owns the resource."""
    governed(draft.kind).publish(actor, draft)


@service("draft.denied")
def deny_draft(*, actor: Actor, draft: Draft, reason: str = "") -> Draft:
    """Decline a request: the changes, or the resource that was never published, are gone for good."""
    of = governed(draft.kind)
    of.lock(draft.resource_id)
    of.require_approve(actor, draft.resource_id)
    draft = locked_draft(draft.pk)
    require_open(draft)
    if not draft.submitted:
        raise Conflict("Nobody has asked for approval of this draft.", hint="Its author can submit or delete it.")
    draft.reason = _checked_words(reason, "reason")
    people = [*_requester(draft), *reviewer_ids(draft)]
    _decide(draft, DraftState.DENIED, actor, of)
    record(draft, before={"proposed": draft.proposed}, after={"reason": draft.reason})
    _announce(Happening.DENIED, draft, actor, of, words=draft.reason, people=people)
    if draft.is_new:
        of.discard_new(draft.resource_id)
    return draft


def take_for_publishing(draft: Draft, by: Actor) -> dict[str, Any]:
    """Close a draft as published, in the transaction of the owning app's service that makes it live.

    To be called with the resource locked and before it is changed. Returns what the service's audit entry says
    of it. Raises where it was edited since, lacks approvals or is not based on what is live.
    """
    of = governed(draft.kind)
    of.require_approve(by, draft.resource_id)
    taken = locked_draft(draft.pk)
    require_open(taken)
    _require_revision(taken, draft.revision)
    require_current(taken, of)
    approvals = list(taken.approvals.filter(revision=taken.revision))
    if len(approvals) < needed_approvals():
        raise Conflict(
            f"{len(approvals)} of {needed_approvals()} approvals were given.",
            hint="Ask the others who may approve it.",
            code="approvals_missing",
        )
    people = [*_requester(taken), *reviewer_ids(taken)]
    _decide(taken, DraftState.PUBLISHED, by, of)
    if taken.submitted_at:
        _announce(Happening.PUBLISHED, taken, by, of, people=people)
    return {
        "request": taken.pk,
        "revision": taken.revision,
        "drafted_by": taken.edited_by,
        "approved_by": [approval.label for approval in approvals],
    }


def needed_approvals() -> int:
    """How many people have to say yes."""
    policy = policy_here()
    return policy.approvers if policy.required else 1


def require_current(draft: Draft, of: Governed) -> None:
    """Raise where what is live is not what the draft was made on."""
    if not draft.is_new and of.live(draft.resource_id) != draft.base:
        raise Conflict(
            f"The published {of.noun} changed since this draft was made.",
            hint="Bring the draft up to date on its page; then it can be reviewed again.",
            code="draft_outdated",
        )


def _decide(draft: Draft, state: DraftState, by: Actor, of: Governed) -> None:
    shown = [asdict(impact) for impact in of.impact(by, draft)]
    draft.impact = [{name: value for name, value in each.items() if name != "sample"} for each in shown]
    draft.state, draft.decided_at, draft.decided_label = state, timezone.now(), by.label[:320]
    draft.save()
