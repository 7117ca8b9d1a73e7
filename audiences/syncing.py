"""What the syncs of an audience send: which columns there are, and the query that a run asks its source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audiences.definitions import asker, schema_with_audiences
from audiences.models import Audience, SchemaColumn
from audiences.query.conditions import Field
from audiences.query.errors import InvalidTree
from audiences.query.layers import GROUP_COLUMN, Plan, allowed, members, waterfall
from audiences.query.schema import StudioSchema, Surface
from audiences.query.statements import Asker, Output
from audiences.selectors.experiments import groups_of_sync, labels_of, split_of
from audiences.selectors.priority import standing_before
from audiences.selectors.rules import rules_for
from audiences.selectors.traits import computed_outputs
from config.errors import Conflict, Invalid
from connectors.sdk.types import Column, ColumnType
from syncs.choices import ScheduleKind
from syncs.models import Sync
from syncs.origins import Asked

_UNFIT = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Sendable:
    """A column that syncs of an audience may send; ``cast`` is the type that people chose for it, if any."""

    column: Column
    output: Output
    cast: str = ""


def sendable_columns(audience: Audience, schema: StudioSchema) -> list[Sendable]:
    """The key, the parent model's columns, those merged into it, traits and the audience's own columns.

    As far as privacy lets them be sent: a trait as far as the columns that it is made of.
    """
    parent = schema.models[str(audience.parent_model_id)]
    stored = _stored(schema)
    taken = {GROUP_COLUMN}  # what a split calls its own column
    found: list[Sendable] = []
    for owner, name, via in _places(schema, parent.id):
        row = stored.get((owner, name))
        column = schema.models[owner].column(name)
        if row is None or column is None or not column.may(Surface.SYNCS):
            continue
        if not (row.enabled or (not via and name in parent.primary_key)):
            continue
        called = _free(name if not via else f"{_UNFIT.sub('_', schema.models[owner].name).lower()}_{name}", taken)
        described = Column(called, ColumnType(row.type), row.native_type, row.description, nullable=row.nullable)
        found.append(Sendable(described, Output(called, field=Field(name, via=via)), row.override_type))
    return [*found, *_computed(audience, schema, taken)]


def unseen_columns(model_id: int) -> frozenset[str]:
    """The columns that syncs of an audience send and nobody sees: redacted ones, those for syncs alone, and traits of
    them."""
    audience = audience_of(model_id)
    schema = schema_with_audiences(audience.parent_model.source)
    outputs = [each.output for each in sendable_columns(audience, schema)]
    _, hidden = allowed(asker(schema), str(audience.parent_model_id), outputs, Surface.PREVIEWS)
    return frozenset(output.name for output, _ in hidden)


def _computed(audience: Audience, schema: StudioSchema, taken: set[str]) -> Iterator[Sendable]:
    ask, model = asker(schema), str(audience.parent_model_id)
    kept, _ = allowed(ask, model, computed_outputs(audience), Surface.SYNCS)
    for each in kept:
        output = replace(each, name=_free(each.name, taken))
        compiler = ask.compiler()
        value = ask.output(compiler, compiler.scope(model), output, (), Surface.SYNCS)
        yield Sendable(Column(output.name, value.type), output)


def asked_for(sync: Sync, columns: Sequence[str], at: datetime) -> Asked:
    """What a run asks: these columns of whom every layer lets through (see ADR 18), and how many each layer leaves."""
    audience = audience_of(sync.model_id)
    schema = schema_with_audiences(audience.parent_model.source)
    outputs = {each.column.name: each.output for each in sendable_columns(audience, schema)}
    if lost := [name for name in columns if name not in outputs]:
        raise Invalid(
            f"The column “{lost[0]}” may not be synced, or is not there any more.",
            hint="Take it out of the mapping, or ask somebody who configures the schema to make it available.",
            code="column_unavailable",
        )
    try:
        plan, ask = plan_of(audience, sync, schema), asker(schema, at)
        sql = members(ask, plan, [outputs[name] for name in columns]).sql()
        return Asked(sql, _counting(ask, plan), GROUP_COLUMN if plan.split else "")
    except InvalidTree as error:
        raise Invalid(
            f"“{audience}” cannot be asked for: {error.problems[0].message}", hint="Correct the audience's conditions."
        ) from error


def _counting(ask: Asker, plan: Plan) -> str:
    """The waterfall's query; a run does without where there is none."""
    try:
        return waterfall(ask, plan).sql()
    except InvalidTree:
        return ""


def plan_of(audience: Audience, sync: Sync, schema: StudioSchema) -> Plan:
    """The layers between an audience and one of its syncs."""
    saved = schema.audiences.get(str(audience.pk))
    if saved is None:
        raise Conflict(f"The definition of “{audience}” cannot be read.", hint="Save the audience again.")
    groups = groups_of_sync(sync)
    split = split_of(groups[0].experiment) if groups else None
    if split and split.stratify and sync.schedule_kind != ScheduleKind.MANUAL:
        raise Conflict(
            "Stratified groups are for a single delivery: with new members they move.",
            hint="Let the sync run by hand only, or do not stratify the experiment.",
        )
    return Plan(
        audience=saved,
        before=standing_before(audience, schema),
        split=split,
        groups=tuple(str(group.pk) for group in groups),
        labels=labels_of(groups[0].experiment) if groups else (),
        rules=rules_for(audience.parent_model_id, sync.destination_id),
    )


def audience_of(model_id: int) -> Audience:
    """The audience whose syncs have this model."""
    found = Audience.objects.select_related("parent_model__source").filter(model_id=model_id).first()
    if found is None:
        raise Conflict("The audience of this sync does not exist any more.", code="gone")
    return found


def _stored(schema: StudioSchema) -> dict[tuple[str, str], SchemaColumn]:
    rows = SchemaColumn.objects.filter(model_id__in=[int(pk) for pk in schema.models], missing=False)
    return {(str(row.model_id), row.name): row for row in rows}


def _places(schema: StudioSchema, parent: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Model, column and the relationships on the way, of everything that reads as a column of the parent."""
    own = schema.models[parent]
    key_first = sorted(own.columns, key=lambda column: column.name not in own.primary_key)
    yield from ((parent, column.name, ()) for column in key_first)
    for tie in schema.relationships.values():
        if tie.from_ == parent:
            yield from ((tie.to, name, (tie.id,)) for name in tie.merged)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where another column has it."""
    found, number = name, 2
    while found.lower() in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found.lower())
    return found
