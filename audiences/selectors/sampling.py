"""Samples as questions and pages read them: which there are, whether they still fit the schema, and what is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from audiences.choices import Every, SampleEvery
from audiences.models import SampledModel, SampleTable, Sampling, SchemaModel
from audiences.query.errors import InvalidTree
from audiences.query.sampling import Way, fingerprint, slots_of, ways_from
from audiences.query.schema import StudioSchema
from audiences.query.splits import SLOTS
from config.errors import Conflict
from connectors.sdk.planner import PLANNER_SCHEMA
from connectors.sdk.types import Table

NO_SAMPLE_HINT = "Run sampling on the Sampling tab of the parent model, or ask all rows."


@dataclass(frozen=True, slots=True)
class Sample:
    """A parent's sample that can be asked now. Models that are not in ``tables`` are read in full."""

    parent: str
    percent: Decimal
    taken_at: datetime
    tables: Mapping[str, Table]

    @property
    def rate(self) -> float:
        """Which part of all rows is in it."""
        return slots_of(float(self.percent)) / SLOTS

    def put_into(self, schema: StudioSchema) -> StudioSchema:
        """The schema with the samples in it."""
        models = {id_: replace(each, sample=self.tables.get(id_)) for id_, each in schema.models.items()}
        return replace(schema, models=models, sampled_for=self.parent)


def tables_of(sampling: Sampling) -> dict[int, SampleTable]:
    """The tables that previews read, by the model."""
    rows = SampleTable.objects.filter(sampling=sampling, model__isnull=False, made_at__isnull=False, drop_at=None)
    return {table.model_id: table for table in rows if table.model_id is not None}


def as_table(table: SampleTable) -> Table:
    """Where its rows are."""
    return Table(PLANNER_SCHEMA, table.name)


def current_sample(model: SchemaModel) -> SampleTable | None:
    """The sample that previews of a model can be asked of, as far as that is known without its schema."""
    return _current(model).first()


def _current(model: SchemaModel) -> QuerySet[SampleTable]:
    """Its samples: several where it is sampled with several parents."""
    rows = SampleTable.objects.filter(model=model, sampling__enabled=True, made_at__isnull=False, drop_at=None)
    rows = rows.select_related("sampling").order_by("sampling__pk")
    return rows.filter(sampling__parent_model=model) if model.is_parent else rows


def sample_for(schema: StudioSchema, model: SchemaModel) -> Sample:
    """The sample that answers questions about a model. Raises :class:`Conflict` where there is none that fits."""
    samplings = [table.sampling for table in _current(model) if table.sampling is not None]
    if not samplings:
        raise Conflict(f"There is no sample of {model.name} yet.", hint=NO_SAMPLE_HINT, code="no_sample")
    for sampling in samplings:
        current = tables_of(sampling)
        fitting = fitting_tables(schema, sampling, current)
        if model.pk in fitting:
            taken = {str(pk): as_table(current[pk]) for pk in fitting}
            oldest = min(_made(current[pk]) for pk in fitting)
            return Sample(str(sampling.parent_model_id), current[model.pk].percent, oldest, taken)
    raise Conflict(f"{model.name} was changed after its sample was taken.", hint=NO_SAMPLE_HINT, code="sample_outdated")


def _made(table: SampleTable) -> datetime:
    assert table.made_at is not None
    return table.made_at


def fitting_tables(schema: StudioSchema, sampling: Sampling, current: Mapping[int, SampleTable]) -> set[int]:
    """Those of the models whose tables are of the parent's present sample, and as they would be made now."""
    parent = current.get(sampling.parent_model_id)
    if parent is None:
        return set()
    fits = set()
    ways = sampled_ways(schema, sampling.parent_model_id)
    for pk, table in current.items():
        if pk not in ways or (table.percent, table.salt) != (parent.percent, parent.salt):
            continue
        if table.made_of == made_of(schema, pk, ways[pk], sampling.parent_model_id):
            fits.add(pk)
    return fits if sampling.parent_model_id in fits else set()


def sampled_ways(schema: StudioSchema, parent_id: int) -> dict[int, tuple[Way, ...]]:
    """The models that can be sampled with a parent, and the ways to each; itself without any."""
    if str(parent_id) not in schema.models:
        return {}
    return {parent_id: ((),)} | {int(pk): ways for pk, ways in ways_from(schema, str(parent_id)).items()}


def made_of(schema: StudioSchema, model_id: int, ways: tuple[Way, ...], parent_id: int) -> str:
    """How a model's sample would be made now; nothing where it cannot be."""
    try:
        return fingerprint(schema, str(model_id), ways, str(parent_id))
    except InvalidTree:
        return ""


def due_models(sampling: Sampling, sampled: Iterable[SampledModel], now: datetime) -> list[int]:
    """The models whose schedule says that they are sampled again; all of them where the parent's sample changes."""
    rows = list(sampled)
    due = [row.model_id for row in rows if _due(row, Every(sampling.every), now)]
    parent = tables_of(sampling).get(sampling.parent_model_id) if due else None
    resized = parent is None or (parent.percent, parent.salt) != (sampling.percent, sampling.salt)
    return [row.model_id for row in rows] if due and resized else due


def _due(row: SampledModel, parent: Every, now: datetime) -> bool:
    span = SampleEvery(row.every).span(parent)
    return span is not None and (row.ran_at is None or row.ran_at <= now - span)


@dataclass(frozen=True, slots=True)
class Line:
    """One model on the page of a parent's sampling: whether it is sampled, its latest run, and what previews read."""

    model: SchemaModel
    sampled: SampledModel | None
    table: SampleTable | None
    fits: bool
    possible: bool = True

    @property
    def every(self) -> str:
        """How often it is sampled."""
        return self.sampled.every if self.sampled else SampleEvery.INHERIT

    @property
    def outdated(self) -> bool:
        """Whether there is a sample that previews do not read, as the schema or the size was changed after it."""
        return self.table is not None and not self.fits


def lines_of(sampling: Sampling, schema: StudioSchema) -> list[Line]:
    """The parent, then the models that can be sampled with it, and those that were and cannot any more."""
    known = {row.model_id: row for row in sampling.sampled.select_related("model")} if sampling.pk else {}
    tables = tables_of(sampling) if sampling.pk else {}
    fitting = fitting_tables(schema, sampling, tables) if tables else set()
    ways = sampled_ways(schema, sampling.parent_model_id)
    models = SchemaModel.objects.filter(pk__in={*ways, *known}).order_by("name", "pk")
    found = [Line(m, known.get(m.pk), tables.get(m.pk), m.pk in fitting, m.pk in ways) for m in models]
    return sorted(found, key=lambda line: line.model.pk != sampling.parent_model_id)
