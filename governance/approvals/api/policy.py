"""The endpoint of the workspace's rule about approvals."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from governance.approvals import services
from governance.approvals.access import policy_here
from governance.approvals.api.shapes import PolicyBody, PolicyOut, policy_json
from workspaces.permissions import Permission

WIRE = {"required": "required", "self_approval": "selfApproval", "approvers": "approvers", "channel_id": "channelId"}


class PolicyView(ApiView):
    """When changes need approval."""

    permission = {"GET": Permission.MEMBER, "PATCH": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="GetApprovalPolicy", responses={200: PolicyOut, **error_answers()})
    def get(self, request: Request) -> Response:
        """Get the workspace's rule about approvals."""
        return Response(policy_json(policy_here()))

    @extend_schema(
        operation_id="UpdateApprovalPolicy", request=PolicyBody, responses={200: PolicyOut, **error_answers()}
    )
    def patch(self, request: Request) -> Response:
        """Change the rule. Open requests stay open either way; asking for more approvals counts for them, too."""
        given, stored = self.body(PolicyBody), policy_here()
        values = {field: given.get(wire, getattr(stored, field)) for field, wire in WIRE.items()}
        return Response(policy_json(services.set_policy(actor=self.actor, **values)))
