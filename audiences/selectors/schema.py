"""The schema of a source, for pages and for the query package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Count, Q, QuerySet

from audiences.choices import Cardinality, ModelKind
from audiences.models import Relationship, SchemaColumn, SchemaModel, ThroughStep
from audiences.query import schema as pure
from audiences.query.times import is_zoned
from connectors import catalog
from connectors.access import definition_of
from connectors.choices import Kind
from connectors.models import Source
from connectors.sdk.types import ColumnType, Table
from governance.audit.actors import Actor
from syncs.choices import ModelMethod
from workspaces.access import require
from workspaces.permissions import Permission


@dataclass(frozen=True, slots=True)
class Line:
    """One relationship as a model's page reads it: to which model, by what, and what it brings."""

    relationship: Relationship
    other: SchemaModel
    cardinality: Cardinality
    keys: tuple[tuple[str, str], ...]
    merged_here: tuple[str, ...] = ()
    merged_there: tuple[str, ...] = ()
    through: tuple[SchemaModel, ...] = ()

    @property
    def words(self) -> str:
        """Its cardinality with the models' place."""
        return str(Cardinality(self.cardinality).label)


def studio_sources(actor: Actor) -> QuerySet[Source]:
    """The sources on which audiences can be built, with ``parents``: how many parent models each has."""
    require(actor, Permission.MEMBER)
    able = [entry.key for entry in catalog.entries(Kind.SOURCE) if entry.studio]
    parents = Count("schema_models", filter=Q(schema_models__kind=ModelKind.PARENT))
    rows = Source.objects.filter(type__in=able, setup_done=True)
    return rows.annotate(parents=parents, model_count=Count("schema_models")).order_by("-model_count", "name", "id")


def schema_models(actor: Actor, *, source_id: int | None = None, archived: bool = False) -> QuerySet[SchemaModel]:
    """Schema models with their source and ``column_count``."""
    require(actor, Permission.MEMBER)
    rows = SchemaModel.objects.select_related("source").filter(archived_at__isnull=not archived)
    if source_id is not None:
        rows = rows.filter(source_id=source_id)
    return rows.annotate(column_count=Count("columns", filter=Q(columns__enabled=True, columns__missing=False)))


def ties_of(actor: Actor, model: SchemaModel) -> list[Line]:
    """The relationships of a model, read from it: the direct ones first."""
    require(actor, Permission.MEMBER)
    rows = Relationship.objects.filter(Q(from_model=model) | Q(to_model=model))
    rows = rows.select_related("from_model", "to_model").prefetch_related(
        "steps__relationship__from_model", "steps__relationship__to_model"
    )
    lines = [_line(row, model) for row in rows]
    return sorted(lines, key=lambda line: (bool(line.through), line.other.name, line.relationship.pk))


def _line(row: Relationship, model: SchemaModel) -> Line:
    forward = row.from_model_id == model.pk
    kind = Cardinality(row.cardinality)
    pairs = tuple((mine, theirs) for mine, theirs in row.keys)
    steps = [step.relationship for step in row.steps.all()]
    merged = tuple(row.merged)
    return Line(
        relationship=row,
        other=row.to_model if forward else row.from_model,
        cardinality=kind if forward else kind.turned,
        keys=pairs if forward else tuple((theirs, mine) for mine, theirs in pairs),
        merged_here=merged if forward else (),
        merged_there=() if forward else merged,
        through=_passed(steps, row.from_model_id) if forward else tuple(reversed(_passed(steps, row.from_model_id))),
    )


def _passed(steps: Sequence[Relationship], start: int) -> tuple[SchemaModel, ...]:
    """The models between both ends of a way."""
    here, models = start, []
    for step in steps:
        there = step.to_model if step.from_model_id == here else step.from_model
        models.append(there)
        here = there.pk
    return tuple(models[:-1])


def lost_uses(model: SchemaModel, lines: Sequence[Line]) -> list[str]:
    """What the model needs and its source does not return any more, as sentences."""
    there = set(model.columns.filter(missing=False).values_list("name", flat=True))
    told = [f"the key “{name}”" for name in model.primary_key if name not in there]
    for name, words in (
        (model.primary_label, "the primary label"),
        (model.secondary_label, "the secondary label"),
        (model.timestamp, "the time of the event"),
    ):
        if name and name not in there:
            told.append(f"{words} “{name}”")
    for line in lines:
        told += [f"“{mine}”, which joins {line.other.name}" for mine, _ in line.keys if mine not in there]
        told += [f"“{name}”, which is merged into {line.other.name}" for name in line.merged_there if name not in there]
    return told


# Of a column, what queries have to know; suggestions make up most of a schema, and builders ask for few of them.
ASKED = (
    "model_id", "name", "type", "override_type", "alias", "native_type", "nullable", "enabled", "suggest",
    "ignore_case", "privacy",
)  # fmt: skip


def studio_schema(source: Source) -> pure.StudioSchema:
    """A source's whole schema as the query package knows it."""
    declared = definition_of(Kind.SOURCE, source.type)
    dialect = declared.planner_profile or declared.dialect
    models = {str(row.pk): row for row in SchemaModel.objects.filter(source=source, archived_at=None)}
    columns: dict[int, list[pure.StudioColumn]] = defaultdict(list)
    rows = SchemaColumn.objects.filter(model__in=list(models.values()), missing=False)
    for model_id, *said in rows.values_list(*ASKED):
        columns[model_id].append(studio_column(dialect, *said))
    return pure.StudioSchema(
        dialect=dialect,
        models={pk: studio_model(row, columns[row.pk]) for pk, row in models.items()},
        relationships=_relationships(models),
        zone=source.timezone,
    )


@lru_cache(maxsize=50_000)  # pages read whole schemas, and columns seldom change
def studio_column(
    dialect: str,
    name: str,
    type_: str,
    override_type: str,
    alias: str,
    native_type: str,
    nullable: bool,
    enabled: bool,
    suggest: bool,
    ignore_case: bool,
    privacy: str,
) -> pure.StudioColumn:
    """A column as the query package knows it."""
    return pure.StudioColumn(
        name=name,
        type=ColumnType(override_type or type_),
        alias=alias,
        native_type=native_type,
        zoned=is_zoned(dialect, native_type),
        nullable=nullable,
        enabled=enabled,
        suggestions=suggest,
        ignore_case=ignore_case,
        privacy=pure.Privacy(privacy),
    )


def studio_model(row: SchemaModel, columns: Sequence[pure.StudioColumn]) -> pure.StudioModel:
    """A model as the query package knows it."""
    table = Table(row.table_schema, row.table_name)
    return pure.StudioModel(
        entity=row.entity,
        id=str(row.pk),
        name=row.name,
        kind=pure.ModelKind(row.kind),
        relation=row.sql if row.method == ModelMethod.SQL else table,
        primary_key=tuple(row.primary_key),
        columns=tuple(columns),
        timestamp=row.timestamp or None,
        primary_label=row.primary_label or None,
        secondary_label=row.secondary_label or None,
    )


def _relationships(models: Mapping[str, SchemaModel]) -> dict[str, pure.Relationship]:
    """The relationships between these models, and those through others of which every step is one of them."""
    ids = [row.pk for row in models.values()]
    rows = list(Relationship.objects.filter(from_model__in=ids, to_model__in=ids))
    steps: dict[int, list[str]] = defaultdict(list)
    for step in ThroughStep.objects.filter(through__in=rows).order_by("through_id", "position"):
        steps[step.through_id].append(str(step.relationship_id))
    known = {str(row.pk) for row in rows}
    return {
        str(row.pk): pure.Relationship(
            id=str(row.pk),
            from_=str(row.from_model_id),
            to=str(row.to_model_id),
            cardinality=pure.Cardinality(row.cardinality),
            keys=tuple((mine, theirs) for mine, theirs in row.keys),
            through=tuple(steps[row.pk]),
            name=row.name,
            merged=tuple(row.merged),
        )
        for row in rows
        if known.issuperset(steps[row.pk])
    }
