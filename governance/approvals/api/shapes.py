"""Requests over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from config.api import ListQuery, id_text
from governance.approvals.choices import DraftState
from governance.approvals.models import ApprovalPolicy, Draft
from governance.approvals.registry import Impact, Part, governed
from governance.approvals.selectors import Show
from governance.approvals.services.decisions import needed_approvals
from governance.approvals.services.drafts import MAX_COMMENT
from governance.audit.actors import Actor


class RequestQuery(ListQuery):
    """Which requests: those to review, one's own, or all."""

    show = serializers.ChoiceField(choices=[s.value for s in Show], required=False, default=Show.ALL.value)
    status = serializers.ChoiceField(choices=DraftState.choices, required=False)
    orderBy = serializers.CharField(required=False, default="-id")

    orderable = {"id": "id", "createdAt": "created_at"}


class PartOut(serializers.Serializer[Any]):
    """One thing that differs. ``before`` is what is live, ``after`` what is proposed: texts, or objects of them."""

    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class ImpactOut(serializers.Serializer[Any]):
    """What publishing would do to the rows of one sync; numbers count once ``status`` is ready."""

    name = serializers.CharField()
    status = serializers.CharField(help_text="waiting, running, ready, failed or cancelled")
    addedCount = serializers.IntegerField()
    changedCount = serializers.IntegerField()
    removedCount = serializers.IntegerField()
    querySize = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class ApprovalOut(serializers.Serializer[Any]):
    """Somebody's yes."""

    by = serializers.CharField()
    at = serializers.DateTimeField()


class CommentOut(serializers.Serializer[Any]):
    """Something said."""

    by = serializers.CharField()
    at = serializers.DateTimeField()
    text = serializers.CharField()


class RequestOut(serializers.Serializer[Any]):
    """A draft, or a request for its approval. ``status`` is draft, submitted, published, denied or deleted."""

    id = serializers.CharField()
    resourceType = serializers.CharField()
    resourceId = serializers.CharField()
    name = serializers.CharField()
    isNew = serializers.BooleanField()
    status = serializers.CharField()
    revision = serializers.IntegerField()
    editedBy = serializers.CharField()
    editedAt = serializers.DateTimeField()
    requestedBy = serializers.CharField(allow_null=True)
    submittedAt = serializers.DateTimeField(allow_null=True)
    comment = serializers.CharField(allow_null=True)
    decidedBy = serializers.CharField(allow_null=True)
    decidedAt = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    approvalsNeeded = serializers.IntegerField()


class RequestDetail(RequestOut):
    """The same with what differs, what it would do to rows, and what was said."""

    reviewers = serializers.ListField(child=serializers.CharField())
    approvals = ApprovalOut(many=True)
    changes = PartOut(many=True)
    impact = ImpactOut(many=True)
    comments = CommentOut(many=True)


class RevisionBody(serializers.Serializer[Any]):
    """Which revision is meant: it must be the newest, so that nobody approves what they have not seen."""

    revision = serializers.IntegerField(min_value=1)


class SubmitBody(RevisionBody):
    """Whom to ask, by e-mail address, and what to tell them."""

    reviewers = serializers.ListField(child=serializers.EmailField(), required=False, default=list, max_length=50)
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_COMMENT)


class ApproveBody(RevisionBody):
    """Saying yes."""

    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_COMMENT)


class DenyBody(serializers.Serializer[Any]):
    """Saying no."""

    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_COMMENT)


class CommentBody(serializers.Serializer[Any]):
    """What to say."""

    text = serializers.CharField(max_length=MAX_COMMENT)


def request_json(draft: Draft, needed: int) -> dict[str, Any]:
    """The wire shape of a request in a list."""
    return {
        "id": str(draft.pk),
        "resourceType": draft.kind,
        "resourceId": str(draft.resource_id),
        "name": draft.label,
        "isNew": draft.is_new,
        "status": draft.state,
        "revision": draft.revision,
        "editedBy": draft.edited_by,
        "editedAt": draft.edited_at,
        "requestedBy": draft.requested_label or None,
        "submittedAt": draft.submitted_at,
        "comment": draft.comment or None,
        "decidedBy": draft.decided_label or None,
        "decidedAt": draft.decided_at,
        "reason": draft.reason or None,
        "approvalsNeeded": needed,
    }


def detail_json(actor: Actor, draft: Draft) -> dict[str, Any]:
    """The whole wire shape of one request."""
    of = governed(draft.kind)
    impacts = of.impact(actor, draft) if draft.open else ()
    return {
        **request_json(draft, needed_approvals()),
        "reviewers": [each.user.email for each in draft.reviewers.select_related("user")],
        "approvals": [{"by": each.label, "at": each.at} for each in draft.approvals.all()],
        "changes": [_part(part) for part in of.parts(draft)],
        "impact": [_impact(impact) for impact in impacts] or [_decided(stored) for stored in draft.impact],
        "comments": [{"by": said.label, "at": said.at, "text": said.text} for said in draft.comments.all()],
    }


def requests_json(drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """Several requests."""
    needed = needed_approvals()
    return [request_json(draft, needed) for draft in drafts]


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.label, "before": part.before, "after": part.after}


def _impact(impact: Impact) -> dict[str, Any]:
    return {
        "name": impact.label,
        "status": impact.state,
        "addedCount": impact.added,
        "changedCount": impact.changed,
        "removedCount": impact.removed,
        "querySize": impact.queried,
        "warnings": list(impact.warnings),
        "error": impact.error or None,
        "at": impact.at,
    }


def _decided(stored: dict[str, Any]) -> dict[str, Any]:
    return _impact(Impact(**stored))


class PolicyBody(serializers.Serializer[Any]):
    """When changes of models and syncs need approval. What is left out stays."""

    required = serializers.BooleanField(required=False)  # type: ignore[assignment]
    selfApproval = serializers.BooleanField(required=False)
    approvers = serializers.IntegerField(required=False)
    channelId = serializers.IntegerField(required=False, allow_null=True)


class PolicyOut(serializers.Serializer[Any]):
    """The workspace's rule. With two or more ``approvers`` nobody publishes alone."""

    required = serializers.BooleanField()  # type: ignore[assignment]
    selfApproval = serializers.BooleanField()
    approvers = serializers.IntegerField()
    channelId = serializers.CharField(allow_null=True)


def policy_json(policy: ApprovalPolicy) -> dict[str, Any]:
    """The wire shape of the workspace's rule."""
    return {
        "required": policy.required,
        "selfApproval": policy.self_approval,
        "approvers": policy.approvers,
        "channelId": id_text(policy.channel_id),
    }
