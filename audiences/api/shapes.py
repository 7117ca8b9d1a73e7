"""What goes over the wire for the schema: input checks and output shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers

from audiences.choices import Cardinality, Entity, EventType, Every, LookState, ModelKind, PersonalData, Privacy
from audiences.models import Relationship, SchemaColumn, SchemaModel, ThroughStep
from config.api import LabelsField, ListQuery
from connectors.sdk.types import ColumnType
from syncs.api.shapes import QUERY_TYPES, RawQuery, TableQuery
from syncs.choices import ModelMethod

R = TypeVar("R", bound=Model)
KINDS = {kind.value: kind for kind in ModelKind}
COLUMN_TYPES = [kind.value for kind in ColumnType]
CASTABLE = [kind.value for kind in ColumnType if kind not in (ColumnType.REFERENCE, ColumnType.UNKNOWN)]


class NamedQuery(ListQuery):
    """Lists of things that have a name, and no slug."""

    slug = None  # type: ignore[assignment]  # how a declared field is left out
    orderable = {"id": "id", "name": "name", "createdAt": "created_at", "updatedAt": "updated_at"}
    name = serializers.CharField(max_length=200, required=False)


class OfParentQuery(NamedQuery):
    """The same, of one parent model."""

    parentModelId = serializers.IntegerField(required=False)


class NamedOut(serializers.Serializer[Any]):
    """What everything with a name has."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    name = serializers.CharField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


def named_json(row: Any, **own: Any) -> dict[str, Any]:
    """The wire shape of a row with a name, and what is its own."""
    return {
        "id": str(row.pk),
        "workspaceId": str(row.workspace_id),
        "name": row.name,
        **own,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def narrowed(rows: QuerySet[R], query: Mapping[str, Any], **more: str) -> QuerySet[R]:
    """The rows of a list whose name is, and whose parent model is, what the query says; ``more`` are fields by wire."""
    paths = {"name": "name", "parentModelId": "parent_model_id", **more}
    return rows.filter(**{path: query[wire] for wire, path in paths.items() if query.get(wire) is not None})


class SchemaListQuery(ListQuery):
    """Which schema models are listed."""

    sourceId = serializers.IntegerField(required=False)
    kind = serializers.ChoiceField(ModelKind.values, required=False)
    archived = serializers.BooleanField(required=False, default=False)


class RelationshipQuery(ListQuery):
    """Relationships are listed by id or age: they have no names of their own that all differ."""

    name = None  # type: ignore[assignment]  # how a declared field is left out
    slug = None  # type: ignore[assignment]
    orderable = {"id": "id", "createdAt": "created_at", "updatedAt": "updated_at"}


class JoinKey(serializers.Serializer[Any]):
    """A pair of columns whose values match."""

    fromColumn = serializers.CharField(max_length=400)
    toColumn = serializers.CharField(max_length=400)


class RelationshipIn(serializers.Serializer[Any]):
    """How a model belongs to another, read from the model: all ``joinKeys`` match.

    ``mergeColumns`` are columns of the other that read as columns of the model; only along relationships to one row.
    """

    toModelId = serializers.IntegerField()
    cardinality = serializers.ChoiceField(Cardinality.values)
    joinKeys = JoinKey(many=True)
    mergeColumns = serializers.ListField(child=serializers.CharField(max_length=400), default=list)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class RelationshipCreate(serializers.Serializer[Any]):
    """A direct relationship of ``fromModelId`` (``joinKeys``), or one through others (``through``: ids in order)."""

    fromModelId = serializers.IntegerField()
    toModelId = serializers.IntegerField(required=False)
    cardinality = serializers.ChoiceField(Cardinality.values, required=False)
    joinKeys = JoinKey(many=True, required=False)
    mergeColumns = serializers.ListField(child=serializers.CharField(max_length=400), default=list)
    through = serializers.ListField(child=serializers.IntegerField(), required=False)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class RelationshipOut(serializers.Serializer[Any]):
    """A relationship, read from ``fromModelId``."""

    id = serializers.CharField()
    fromModelId = serializers.CharField()
    toModelId = serializers.CharField()
    name = serializers.CharField()
    cardinality = serializers.ChoiceField(Cardinality.values)
    joinKeys = JoinKey(many=True)
    mergeColumns = serializers.ListField(child=serializers.CharField())
    through = serializers.ListField(child=serializers.CharField())


class SchemaModelSettings(serializers.Serializer[Any]):
    """What people say about a schema model."""

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    primaryKey = serializers.ListField(child=serializers.CharField(max_length=400), required=False)
    primaryLabel = serializers.CharField(max_length=400, required=False, allow_blank=True)
    secondaryLabel = serializers.CharField(max_length=400, required=False, allow_blank=True)
    eventTimestampColumn = serializers.CharField(max_length=400, required=False, allow_blank=True)
    eventType = serializers.ChoiceField(EventType.values, required=False)
    entity = serializers.ChoiceField(Entity.values, required=False, allow_blank=True)
    suggestionRefresh = serializers.ChoiceField(
        Every.values, required=False, allow_blank=True, help_text="Empty: only when asked"
    )
    raw = RawQuery(required=False, allow_null=True)
    table = TableQuery(required=False, allow_null=True)
    tags = LabelsField(required=False)


class SchemaModelCreate(SchemaModelSettings):
    """A new schema model; what is no parent says how it belongs to another."""

    sourceId = serializers.IntegerField()
    kind = serializers.ChoiceField(ModelKind.values)
    slug = serializers.SlugField(max_length=120, required=False, allow_blank=True)
    name = serializers.CharField(max_length=200)
    queryType = serializers.ChoiceField(sorted(QUERY_TYPES))
    primaryKey = serializers.ListField(child=serializers.CharField(max_length=400))
    relationship = RelationshipIn(required=False, allow_null=True)


class SchemaModelUpdate(SchemaModelSettings):
    """What to change of a schema model; ``archived`` takes it out of the studio, or back."""

    archived = serializers.BooleanField(required=False)


class ColumnUpdate(serializers.Serializer[Any]):
    """What to change of a column."""

    name = serializers.CharField(max_length=400)
    enabled = serializers.BooleanField(required=False)
    alias = serializers.CharField(max_length=200, required=False, allow_blank=True)
    type = serializers.ChoiceField(["", *CASTABLE], required=False, help_text="Empty: the source's own")
    privacy = serializers.ChoiceField(Privacy.values, required=False)
    personalData = serializers.ChoiceField(PersonalData.values, required=False, allow_blank=True)
    redacted = serializers.BooleanField(required=False)
    suggestValues = serializers.BooleanField(required=False)
    ignoreCase = serializers.BooleanField(required=False)
    description = serializers.CharField(max_length=2_000, required=False, allow_blank=True)


class ColumnsUpdate(serializers.Serializer[Any]):
    """Changes of several columns; the first that is refused stops."""

    columns = ColumnUpdate(many=True)


# What a column can say about a person.
PERSONAL = [each.value for each in PersonalData if each]


class ColumnOut(serializers.Serializer[Any]):
    """A column of a schema model; ``suggestions`` is how many values filters offer."""

    name = serializers.CharField()
    alias = serializers.CharField()
    type = serializers.CharField()
    sourceType = serializers.CharField()
    description = serializers.CharField()
    enabled = serializers.BooleanField()
    missing = serializers.BooleanField(help_text="The source does not return it any more")
    privacy = serializers.ChoiceField(Privacy.values)
    personalData = serializers.ChoiceField(PersonalData.values, allow_blank=True)
    looksLike = serializers.ChoiceField(
        PersonalData.values, allow_blank=True, help_text="What an unreviewed column seems to hold, by its name"
    )
    redacted = serializers.BooleanField()
    suggestValues = serializers.BooleanField()
    ignoreCase = serializers.BooleanField()
    suggestions = serializers.IntegerField()


class SchemaModelOut(serializers.Serializer[Any]):
    """A schema model as the API shows it; counts are those of the last look at its values."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    sourceId = serializers.CharField()
    kind = serializers.ChoiceField(ModelKind.values)
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField()
    queryType = serializers.ChoiceField(sorted(QUERY_TYPES))
    raw = RawQuery(required=False)
    table = TableQuery(required=False)
    primaryKey = serializers.ListField(child=serializers.CharField())
    primaryLabel = serializers.CharField()
    secondaryLabel = serializers.CharField()
    eventTimestampColumn = serializers.CharField()
    eventType = serializers.ChoiceField(EventType.values)
    entity = serializers.ChoiceField(Entity.values, allow_blank=True)
    suggestionRefresh = serializers.ChoiceField(Every.values, allow_blank=True)
    lookStatus = serializers.ChoiceField(LookState.values, allow_blank=True)
    rowCount = serializers.IntegerField(allow_null=True)
    rowsWithoutKey = serializers.IntegerField(allow_null=True)
    rowsWithRepeatedKey = serializers.IntegerField(allow_null=True)
    archived = serializers.BooleanField()
    tags = LabelsField()
    columns = ColumnOut(many=True)
    relationships = RelationshipOut(many=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


def column_json(column: SchemaColumn) -> dict[str, Any]:
    """The wire shape of a column."""
    return {
        "name": column.name,
        "alias": column.alias,
        "type": column.effective_type,
        "sourceType": column.native_type,
        "description": column.description,
        "enabled": column.enabled,
        "missing": column.missing,
        "privacy": column.privacy,
        "personalData": column.personal_data,
        "looksLike": column.looks_like,
        "redacted": column.redacted,
        "suggestValues": column.suggest,
        "ignoreCase": column.ignore_case,
        "suggestions": len(column.suggestions),
    }


def relationships_json(rows: Iterable[Relationship]) -> list[dict[str, Any]]:
    """Several relationships, with their steps in one query."""
    found = list(rows)
    steps: dict[int, list[str]] = {row.pk: [] for row in found}
    for step in ThroughStep.objects.filter(through__in=found).order_by("through_id", "position"):
        steps[step.through_id].append(str(step.relationship_id))
    return [relationship_json(row, steps[row.pk]) for row in found]


def relationship_json(row: Relationship, steps: list[str]) -> dict[str, Any]:
    """The wire shape of a relationship."""
    return {
        "id": str(row.pk),
        "fromModelId": str(row.from_model_id),
        "toModelId": str(row.to_model_id),
        "name": row.name,
        "cardinality": row.cardinality,
        "joinKeys": [{"fromColumn": mine, "toColumn": theirs} for mine, theirs in row.keys],
        "mergeColumns": list(row.merged),
        "through": steps,
    }


def schema_models_json(rows: Iterable[SchemaModel]) -> list[dict[str, Any]]:
    """Several schema models with columns and relationships: one query each."""
    models = list(rows)
    columns: dict[int, list[dict[str, Any]]] = {model.pk: [] for model in models}
    for column in SchemaColumn.objects.filter(model__in=models):
        columns[column.model_id].append(column_json(column))
    ties: dict[int, list[dict[str, Any]]] = {model.pk: [] for model in models}
    touching = Relationship.objects.filter(from_model__in=models) | Relationship.objects.filter(to_model__in=models)
    for shape in relationships_json(touching.order_by("pk")):
        for end in {shape["fromModelId"], shape["toModelId"]}:
            ties.get(int(end), []).append(shape)
    return [_schema_model_json(model, columns[model.pk], ties[model.pk]) for model in models]


def _schema_model_json(model: SchemaModel, columns: list[Any], ties: list[Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": str(model.pk),
        "workspaceId": str(model.workspace_id),
        "sourceId": str(model.source_id),
        "kind": model.kind,
        "name": model.name,
        "slug": model.slug,
        "description": model.description,
        "queryType": next(wire for wire, method in QUERY_TYPES.items() if method == model.method),
        "primaryKey": list(model.primary_key),
        "primaryLabel": model.primary_label,
        "secondaryLabel": model.secondary_label,
        "eventTimestampColumn": model.timestamp,
        "eventType": model.event_type,
        "entity": model.entity,
        "suggestionRefresh": model.look_every,
        "lookStatus": model.look_state,
        "rowCount": model.rows,
        "rowsWithoutKey": model.key_empty,
        "rowsWithRepeatedKey": model.key_repeated,
        "archived": model.archived_at is not None,
        "tags": model.labels,
        "columns": columns,
        "relationships": ties,
        "createdAt": model.created_at,
        "updatedAt": model.updated_at,
    }
    if model.method == ModelMethod.SQL:
        return {**shape, "raw": {"sql": model.sql}}
    return {**shape, "table": {"name": ".".join(filter(None, (model.table_schema, model.table_name)))}}


def settings_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a body under the services' names."""
    names = {
        "name": "name",
        "description": "description",
        "primaryLabel": "primary_label",
        "secondaryLabel": "secondary_label",
        "eventTimestampColumn": "timestamp",
        "eventType": "event_type",
        "entity": "entity",
        "suggestionRefresh": "look_every",
    }
    found: dict[str, Any] = {ours: values[wire] for wire, ours in names.items() if wire in values}
    if "primaryKey" in values:
        found["primary_key"] = tuple(values["primaryKey"])
    return found
