"""Endpoints of what governs the studio's data: the levels of all columns, and destination rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.shapes import PERSONAL, ColumnOut, NamedOut, OfParentQuery, column_json, named_json, narrowed
from audiences.choices import Privacy
from audiences.models import DestinationRule, SchemaColumn
from audiences.personal import flagged
from audiences.services import rules as services
from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from connectors.access import destination_for
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_SCHEMA
ROW = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}


# Columns of all models.


class ColumnQuery(ListQuery):
    """Which columns are listed. ``flagged``: only those that look like personal data and were never reviewed."""

    slug = None  # type: ignore[assignment]
    orderable = {"id": "id", "name": "name", "changedAt": "changed_at"}
    name = serializers.CharField(max_length=400, required=False)
    modelId = serializers.IntegerField(required=False)
    sourceId = serializers.IntegerField(required=False)
    privacy = serializers.ChoiceField(Privacy.values, required=False)
    personalData = serializers.ChoiceField(PERSONAL, required=False)
    flagged = serializers.BooleanField(required=False, default=False)


class GovernedColumnOut(ColumnOut):
    """A column with the model it belongs to."""

    id = serializers.CharField()
    modelId = serializers.CharField()


def columns_json(rows: Iterable[SchemaColumn]) -> list[dict[str, Any]]:
    """Several columns of any models."""
    return [{"id": str(row.pk), "modelId": str(row.model_id), **column_json(row)} for row in rows]


class ColumnListView(ApiView):
    """The columns of all models; they are changed with their model's."""

    permission = {"GET": READ}

    @extend_schema(
        operation_id="ListSchemaColumn",
        parameters=[ColumnQuery],
        responses={200: list_of(GovernedColumnOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the columns of all schema models with their privacy levels."""
        query = parse_query(request, ColumnQuery)
        rows = SchemaColumn.objects.filter(model__archived_at=None)
        paths = {
            "name": "name",
            "modelId": "model_id",
            "sourceId": "model__source_id",
            "privacy": "privacy",
            "personalData": "personal_data",
        }
        rows = rows.filter(**{path: query[wire] for wire, path in paths.items() if query.get(wire)})
        return list_response(rows.filter(flagged()) if query["flagged"] else rows, query, columns_json)


# Destination rules.


class RuleQuery(OfParentQuery):
    """Which rules are listed."""

    destinationId = serializers.IntegerField(required=False)


class RuleIn(serializers.Serializer[Any]):
    """A new rule; ``definition`` is described by the reference of conditions, and has no limit."""

    parentModelId = serializers.IntegerField()
    destinationId = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    definition = serializers.JSONField()
    enabled = serializers.BooleanField(required=False, default=True)


class RuleUpdate(serializers.Serializer[Any]):
    """What to change of a rule."""

    name = serializers.CharField(max_length=200, required=False)
    definition = serializers.JSONField(required=False)
    enabled = serializers.BooleanField(required=False)


class RuleOut(NamedOut):
    """A destination rule: only rows for which it holds are sent there."""

    parentModelId = serializers.CharField()
    destinationId = serializers.CharField()
    definition = serializers.JSONField()
    enabled = serializers.BooleanField()


def rules_json(rows: Iterable[DestinationRule]) -> list[dict[str, Any]]:
    """Several rules."""
    return [
        named_json(
            row,
            parentModelId=str(row.parent_model_id),
            destinationId=str(row.destination_id),
            definition=row.definition,
            enabled=row.enabled,
        )
        for row in rows
    ]


class RuleListView(ApiView):
    """The destination rules of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListDestinationRule", parameters=[RuleQuery], responses={200: list_of(RuleOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the destination rules."""
        query = parse_query(request, RuleQuery)
        rows = narrowed(DestinationRule.objects.all(), query, destinationId="destination_id")
        return list_response(rows, query, rules_json)

    @extend_schema(operation_id="CreateDestinationRule", request=RuleIn, responses={200: RuleOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Add a destination rule; it holds from the next run of each sync on."""
        values = self.body(RuleIn)
        made = services.create_destination_rule(
            actor=self.actor,
            parent=access.parent_to_govern(self.actor, values["parentModelId"]),
            destination=destination_for(self.actor, values["destinationId"]),
            name=values["name"],
            definition=values["definition"],
            enabled=values["enabled"],
        )
        return Response(rules_json([made])[0])


class RuleView(ApiView):
    """One destination rule."""

    permission = ROW

    @extend_schema(operation_id="GetDestinationRule", responses={200: RuleOut, **error_answers()})
    def get(self, request: Request, rule_id: int) -> Response:
        """Get a destination rule by its id."""
        return Response(rules_json([access.rule_for(self.actor, rule_id)])[0])

    @extend_schema(
        operation_id="UpdateDestinationRule", request=RuleUpdate, responses={200: RuleOut, **error_answers()}
    )
    def patch(self, request: Request, rule_id: int) -> Response:
        """Change a destination rule, or turn it on or off."""
        values = self.body(RuleUpdate)
        services.update_destination_rule(actor=self.actor, rule=access.rule_for(self.actor, rule_id), **values)
        return Response(rules_json([access.rule_for(self.actor, rule_id)])[0])

    @extend_schema(operation_id="DeleteDestinationRule", responses={204: None, **error_answers()})
    def delete(self, request: Request, rule_id: int) -> Response:
        """Delete a destination rule."""
        services.delete_destination_rule(actor=self.actor, rule=access.rule_for(self.actor, rule_id))
        return Response(status=204)
