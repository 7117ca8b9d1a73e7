"""Endpoints of the schema: its models, their columns, and relationships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access, services
from audiences.api.shapes import (
    ColumnsUpdate,
    RelationshipCreate,
    RelationshipIn,
    RelationshipOut,
    RelationshipQuery,
    SchemaListQuery,
    SchemaModelCreate,
    SchemaModelOut,
    SchemaModelUpdate,
    relationships_json,
    schema_models_json,
    settings_values,
)
from audiences.choices import Cardinality, ModelKind
from audiences.models import Relationship, SchemaModel
from audiences.selectors import schema_models
from config.api import ApiView, error_answers, list_of, list_response, parse_query
from config.errors import Invalid
from governance.audit.actors import Actor
from syncs.api.shapes import QUERY_TYPES, definition_from
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_SCHEMA
_COLUMN_NAMES = {
    "enabled": "enabled",
    "alias": "alias",
    "type": "override_type",
    "privacy": "privacy",
    "personalData": "personal_data",
    "redacted": "redacted",
    "suggestValues": "suggest",
    "ignoreCase": "ignore_case",
    "description": "description",
}


def one(actor: Actor, model_id: int) -> dict[str, Any]:
    """A schema model as it is now."""
    return schema_models_json([access.schema_model_for(actor, model_id)])[0]


def tie_from(actor: Actor, values: Mapping[str, Any]) -> services.Tie:
    """How a model belongs to another, from a body."""
    return services.Tie(
        other=access.schema_model_for(actor, values["toModelId"]),
        cardinality=Cardinality(values["cardinality"]),
        keys=tuple((pair["fromColumn"], pair["toColumn"]) for pair in values["joinKeys"]),
        merged=tuple(values["mergeColumns"]),
        name=values["name"],
    )


class SchemaModelListView(ApiView):
    """The schema models of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListSchemaModel",
        parameters=[SchemaListQuery],
        responses={200: list_of(SchemaModelOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the parent, related and event models, with columns and relationships."""
        query = parse_query(request, SchemaListQuery)
        rows = schema_models(self.actor, source_id=query.get("sourceId"), archived=query["archived"])
        for name in ("name", "slug", "kind"):
            if query.get(name):
                rows = rows.filter(**{name: query[name]})
        return list_response(rows, query, schema_models_json)

    @extend_schema(
        operation_id="CreateSchemaModel", request=SchemaModelCreate, responses={200: SchemaModelOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Add a model to a source's schema; the source is asked for its columns."""
        values = self.body(SchemaModelCreate)
        tie = tie_from(self.actor, values["relationship"]) if values.get("relationship") else None
        if tie is None and values["kind"] != ModelKind.PARENT:
            raise Invalid.field("relationship", "Say which model it belongs to.")
        model = services.create_schema_model(
            actor=self.actor,
            source=access.source_to_configure(self.actor, values["sourceId"]),
            kind=ModelKind(values["kind"]),
            definition=definition_from(values, values["queryType"]),
            settings=services.Settings(**settings_values(values)),
            slug=values.get("slug", ""),
            tie=tie,
        )
        if "tags" in values:
            services.label_schema_model(actor=self.actor, model=model, add=values["tags"])
        return Response(one(self.actor, model.pk))


class SchemaModelView(ApiView):
    """One schema model."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetSchemaModel", responses={200: SchemaModelOut, **error_answers()})
    def get(self, request: Request, schema_model_id: int) -> Response:
        """Get a schema model by its id."""
        return Response(one(self.actor, schema_model_id))

    @extend_schema(
        operation_id="UpdateSchemaModel", request=SchemaModelUpdate, responses={200: SchemaModelOut, **error_answers()}
    )
    def patch(self, request: Request, schema_model_id: int) -> Response:
        """Change a schema model's rows, key, labels or settings, or archive it."""
        values = self.body(SchemaModelUpdate)
        model = access.schema_model_for(self.actor, schema_model_id)
        wire = next((t for t in QUERY_TYPES if values.get("raw" if t == "raw_sql" else "table")), None)
        chosen = settings_values(values)
        if chosen or wire:
            services.update_schema_model(
                actor=self.actor,
                model=model,
                settings=services.Settings(**chosen),
                definition=definition_from(values, wire) if wire else None,
            )
        if "tags" in values:
            tags = values["tags"]
            services.label_schema_model(actor=self.actor, model=model, add=tags, remove=set(model.labels) - set(tags))
        if "archived" in values:
            change = services.archive_schema_model if values["archived"] else services.restore_schema_model
            change(actor=self.actor, model=model)
        return Response(one(self.actor, schema_model_id))

    @extend_schema(operation_id="DeleteSchemaModel", responses={204: None, **error_answers()})
    def delete(self, request: Request, schema_model_id: int) -> Response:
        """Delete a schema model with its relationships; refused while audiences are built on it."""
        services.delete_schema_model(actor=self.actor, model=access.schema_model_for(self.actor, schema_model_id))
        return Response(status=204)


class SchemaColumnsView(ApiView):
    """The columns of one schema model."""

    permission = {"PATCH": WRITE}

    @extend_schema(
        operation_id="UpdateSchemaColumns", request=ColumnsUpdate, responses={200: SchemaModelOut, **error_answers()}
    )
    def patch(self, request: Request, schema_model_id: int) -> Response:
        """Switch columns on or off, name and cast them, set their privacy and whether their values are suggested."""
        model = access.schema_model_for(self.actor, schema_model_id)
        for values in self.body(ColumnsUpdate)["columns"]:
            chosen = {ours: values[wire] for wire, ours in _COLUMN_NAMES.items() if wire in values}
            services.change_columns(
                actor=self.actor,
                model=model,
                names=[values["name"]],
                settings=services.ColumnSettings(**chosen),
            )
        return Response(one(self.actor, schema_model_id))


class RefreshView(ApiView):
    """Reading a model's columns again."""

    permission = {"POST": WRITE}

    @extend_schema(operation_id="RefreshSchemaModel", request=None, responses={200: SchemaModelOut, **error_answers()})
    def post(self, request: Request, schema_model_id: int) -> Response:
        """Ask the source again for the model's columns, and let a worker find its suggested values again."""
        model = access.schema_model_for(self.actor, schema_model_id)
        services.refresh_schema_columns(actor=self.actor, model=model)
        return Response(one(self.actor, schema_model_id))


class RelationshipListView(ApiView):
    """The relationships of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListRelationship",
        parameters=[RelationshipQuery],
        responses={200: list_of(RelationshipOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the relationships between schema models."""
        query = parse_query(request, RelationshipQuery)
        rows = Relationship.objects.all()
        return list_response(rows, query, relationships_json)

    @extend_schema(
        operation_id="CreateRelationship",
        request=RelationshipCreate,
        responses={200: RelationshipOut, **error_answers()},
    )
    def post(self, request: Request) -> Response:
        """Let two models belong together, directly or through others."""
        values = self.body(RelationshipCreate)
        model = access.schema_model_for(self.actor, values["fromModelId"])
        if values.get("through"):
            made = services.create_through(actor=self.actor, model=model, path=values["through"], name=values["name"])
            return Response(relationships_json([made])[0])
        for name in ("toModelId", "cardinality", "joinKeys"):
            if name not in values:
                raise Invalid.field(name, "Needed for a direct relationship.")
        made = services.create_relationship(actor=self.actor, model=model, tie=tie_from(self.actor, values))
        return Response(relationships_json([made])[0])


class RelationshipView(ApiView):
    """One relationship."""

    permission = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetRelationship", responses={200: RelationshipOut, **error_answers()})
    def get(self, request: Request, relationship_id: int) -> Response:
        """Get a relationship by its id."""
        return Response(relationships_json([access.relationship_for(self.actor, relationship_id)])[0])

    @extend_schema(
        operation_id="UpdateRelationship", request=RelationshipIn, responses={200: RelationshipOut, **error_answers()}
    )
    def put(self, request: Request, relationship_id: int) -> Response:
        """Replace a direct relationship, as it is read from its ``fromModelId``."""
        row = access.relationship_for(self.actor, relationship_id)
        tie = tie_from(self.actor, self.body(RelationshipIn))
        model = SchemaModel.objects.get(pk=row.from_model_id)
        made = services.update_relationship(actor=self.actor, relationship=row, model=model, tie=tie)
        return Response(relationships_json([made])[0])

    @extend_schema(operation_id="DeleteRelationship", responses={204: None, **error_answers()})
    def delete(self, request: Request, relationship_id: int) -> Response:
        """Delete a relationship that no other goes through."""
        row = access.relationship_for(self.actor, relationship_id)
        services.delete_relationship(actor=self.actor, relationship=row)
        return Response(status=204)
