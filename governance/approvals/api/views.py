"""Endpoints of requests for approval."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers, list_of, list_response, parse_query
from config.errors import Invalid
from governance.approvals import services
from governance.approvals.access import draft_for
from governance.approvals.api.shapes import (
    ApproveBody,
    CommentBody,
    DenyBody,
    RequestDetail,
    RequestOut,
    RequestQuery,
    SubmitBody,
    detail_json,
    requests_json,
)
from governance.approvals.models import Draft
from governance.approvals.registry import governed
from governance.approvals.selectors import Show, list_drafts
from workspaces.permissions import Permission

ANSWERS = {200: RequestDetail, **error_answers()}


class RequestListView(ApiView):
    """Drafts and requests of the workspace."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(
        operation_id="ListChangeRequests",
        parameters=[RequestQuery],
        responses={200: list_of(RequestOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List drafts and requests for approval, newest first."""
        query = parse_query(request, RequestQuery)
        states = (query["status"],) if query.get("status") else ()
        rows = list_drafts(self.actor, Show(query["show"]), query=query.get("name", ""), states=states)
        return list_response(rows, query, lambda page: requests_json(list(page)))


class _OneRequest(ApiView):
    """What all addresses of one draft or request answer with."""

    def answer(self, draft: Draft) -> Response:
        """The request as it is now."""
        return Response(detail_json(self.actor, draft_for(self.actor, draft.pk)))


class RequestView(_OneRequest):
    """One draft or request."""

    permission = {"GET": Permission.MEMBER, "DELETE": Permission.MEMBER}

    @extend_schema(operation_id="GetChangeRequest", responses=ANSWERS)
    def get(self, request: Request, draft_id: int) -> Response:
        """Get a request with what differs and what publishing it would do to rows."""
        return self.answer(draft_for(self.actor, draft_id))

    @extend_schema(operation_id="DeleteChangeRequest", responses=ANSWERS)
    def delete(self, request: Request, draft_id: int) -> Response:
        """Delete a draft whose approval nobody is asked for; what was never published goes with it."""
        return self.answer(services.delete_draft(actor=self.actor, draft=draft_for(self.actor, draft_id)))


class SubmitView(_OneRequest):
    """Asking for approval."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="SubmitChangeRequest", request=SubmitBody, responses=ANSWERS)
    def post(self, request: Request, draft_id: int) -> Response:
        """Submit a draft; the impact is found out from now on."""
        draft = draft_for(self.actor, draft_id)
        values = self.body(SubmitBody)
        wanted = [address.lower() for address in values["reviewers"]]
        members = governed(draft.kind).approvers(draft.resource_id).filter(user__email__in=wanted)
        found = {member.user.email.lower(): member.user for member in members}
        if unknown := [address for address in wanted if address not in found]:
            raise Invalid.field("reviewers", f"May not approve this: {', '.join(unknown)}.")
        told: dict[str, Any] = {"reviewers": list(found.values()), "comment": values["comment"]}
        return self.answer(services.submit_draft(actor=self.actor, draft=draft, revision=values["revision"], **told))


class ApproveView(_OneRequest):
    """Saying yes."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="ApproveChangeRequest", request=ApproveBody, responses=ANSWERS)
    def post(self, request: Request, draft_id: int) -> Response:
        """Approve one revision; it is published once there are enough approvals."""
        draft = draft_for(self.actor, draft_id)
        values = self.body(ApproveBody)
        services.approve_and_publish(actor=self.actor, draft=draft, **values)
        return self.answer(draft)


class PublishView(_OneRequest):
    """Making an approved draft live where that did not work at once."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="PublishChangeRequest", request=None, responses=ANSWERS)
    def post(self, request: Request, draft_id: int) -> Response:
        """Publish a request that has its approvals."""
        draft = draft_for(self.actor, draft_id)
        services.publish_draft(actor=self.actor, draft=draft)
        return self.answer(draft)


class DenyView(_OneRequest):
    """Saying no."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="DenyChangeRequest", request=DenyBody, responses=ANSWERS)
    def post(self, request: Request, draft_id: int) -> Response:
        """Decline a request; its draft is gone for good."""
        draft = draft_for(self.actor, draft_id)
        values = self.body(DenyBody)
        return self.answer(services.deny_draft(actor=self.actor, draft=draft, **values))


class WithdrawView(_OneRequest):
    """Taking a request back."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="WithdrawChangeRequest", request=None, responses=ANSWERS)
    def post(self, request: Request, draft_id: int) -> Response:
        """Withdraw a request; its draft is kept."""
        return self.answer(services.withdraw_draft(actor=self.actor, draft=draft_for(self.actor, draft_id)))


class RebaseView(_OneRequest):
    """Bringing a draft up to date."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="RebaseChangeRequest", request=None, responses=ANSWERS)
    def post(self, request: Request, draft_id: int) -> Response:
        """Put the draft's own changes on top of what is live now; it has to be approved again."""
        return self.answer(services.rebase_draft(actor=self.actor, draft=draft_for(self.actor, draft_id)))


class CommentView(_OneRequest):
    """Saying something about a request."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="CommentChangeRequest", request=CommentBody, responses=ANSWERS)
    def post(self, request: Request, draft_id: int) -> Response:
        """Add a comment."""
        draft = draft_for(self.actor, draft_id)
        values = self.body(CommentBody)
        services.comment_on_draft(actor=self.actor, draft=draft, **values)
        return self.answer(draft)
