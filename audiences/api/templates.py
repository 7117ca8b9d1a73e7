"""Endpoints of templates of audiences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.shapes import NamedOut, OfParentQuery, named_json, narrowed
from audiences.models import AudienceTemplate
from audiences.query.templates import blanks_of
from audiences.services import templates as services
from config.api import ApiView, error_answers, list_of, list_response, parse_query
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class TemplateIn(serializers.Serializer[Any]):
    """A new template; in its ``definition`` an operand may be ``{"kind": "blank", "label": "…"}``."""

    parentModelId = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    definition = serializers.JSONField()


class TemplateUpdate(serializers.Serializer[Any]):
    """What to change of a template. Audiences that were made from it stay as they are."""

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    definition = serializers.JSONField(required=False)


class BlankOut(serializers.Serializer[Any]):
    """A value that is left blank: where, as a JSON Pointer, and what to fill in."""

    pointer = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the name on the wire


class TemplateOut(NamedOut):
    """A template of audiences; ``approvedAt`` is empty until somebody approved it as it is now."""

    parentModelId = serializers.CharField()
    description = serializers.CharField()
    definition = serializers.JSONField()
    blanks = BlankOut(many=True)
    approvedAt = serializers.DateTimeField(allow_null=True)


def templates_json(rows: Iterable[AudienceTemplate]) -> list[dict[str, Any]]:
    """Several templates."""
    return [
        named_json(
            row,
            parentModelId=str(row.parent_model_id),
            description=row.description,
            definition=row.definition,
            approvedAt=row.approved_at,
            blanks=[{"pointer": pointer, "label": label} for pointer, label in blanks_of(row.definition)],
        )
        for row in rows
    ]


class TemplateListView(ApiView):
    """The templates of audiences; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListAudienceTemplate",
        parameters=[OfParentQuery],
        responses={200: list_of(TemplateOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the templates."""
        query = parse_query(request, OfParentQuery)
        return list_response(narrowed(access.templates_in_view(self.actor), query), query, templates_json)

    @extend_schema(
        operation_id="CreateAudienceTemplate", request=TemplateIn, responses={200: TemplateOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Add a template of audiences of a parent model."""
        values = self.body(TemplateIn)
        made = services.create_template(
            actor=self.actor,
            parent=access.parent_to_build_on(self.actor, values["parentModelId"]),
            name=values["name"],
            description=values["description"],
            definition=values["definition"],
        )
        return Response(templates_json([made])[0])


class TemplateView(ApiView):
    """One template."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetAudienceTemplate", responses={200: TemplateOut, **error_answers()})
    def get(self, request: Request, template_id: int) -> Response:
        """Get a template by its id."""
        return Response(templates_json([access.template_for(self.actor, template_id)])[0])

    @extend_schema(
        operation_id="UpdateAudienceTemplate", request=TemplateUpdate, responses={200: TemplateOut, **error_answers()}
    )
    def patch(self, request: Request, template_id: int) -> Response:
        """Change a template's name, description or definition."""
        found = access.template_for(self.actor, template_id)
        changed = services.update_template(actor=self.actor, template=found, **self.body(TemplateUpdate))
        return Response(templates_json([changed])[0])

    @extend_schema(operation_id="DeleteAudienceTemplate", responses={204: None, **error_answers()})
    def delete(self, request: Request, template_id: int) -> Response:
        """Delete a template; the audiences that were made from it stay."""
        services.delete_template(actor=self.actor, template=access.template_for(self.actor, template_id))
        return Response(status=204)


class TemplateApprovalView(ApiView):
    """The approval of a template."""

    permission = {"PUT": Permission.CONFIGURE_SCHEMA, "DELETE": Permission.CONFIGURE_SCHEMA}

    @extend_schema(
        operation_id="ApproveAudienceTemplate", request=None, responses={200: TemplateOut, **error_answers()}
    )
    def put(self, request: Request, template_id: int) -> Response:
        """Approve a template as it is now: audiences may begin with it where an approved one is required."""
        found = access.template_for(self.actor, template_id)
        return Response(templates_json([services.approve_template(actor=self.actor, template=found)])[0])

    @extend_schema(operation_id="WithdrawAudienceTemplateApproval", responses={204: None, **error_answers()})
    def delete(self, request: Request, template_id: int) -> Response:
        """Withdraw the approval; audiences that began with the template stay."""
        services.withdraw_approval(actor=self.actor, template=access.template_for(self.actor, template_id))
        return Response(status=204)
