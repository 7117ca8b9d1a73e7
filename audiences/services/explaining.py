"""Why one row is in an audience or not: each condition in words, whether it holds, and what decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from audiences.definitions import given, only_seen, problems_of, unseen_in
from audiences.models import Audience, SchemaModel
from audiences.one_row import Looking, Rows, look_at
from audiences.query import evidence
from audiences.query.conditions import (
    Condition,
    EventCondition,
    FormulaTrait,
    Match,
    PropertyCondition,
    RelationCondition,
    TraitCondition,
)
from audiences.query.errors import Path
from audiences.query.schema import SavedAudience, StudioSchema, Surface
from audiences.query.sentences import Speaker
from audiences.query.statements import Output
from audiences.services.members import meant_subsets
from audiences.trait_checks import problems_of_output
from config.errors import Invalid, NotFound
from governance.audit.actors import Actor
from governance.audit.services import record, service

MOST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Told:
    """One condition in words and whether it holds. ``pointer`` is its place.

    Of a column or trait ``tested`` with the ``value``, or ``hidden`` by its privacy; ``has_rows`` where rows of another
    model decide it.
    """

    words: str
    depth: int
    holds: bool
    pointer: str
    group: bool = False
    has_rows: bool = False
    tested: bool = False
    hidden: bool = False
    value: Any = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """``holds`` is about the conditions alone, ``member`` about the subsets and the limit, too."""

    key: str
    labels: tuple[str, ...]
    member: bool
    holds: bool
    every: bool
    conditions: tuple[Told, ...]
    limit: str
    subsets: bool


@service("schema_model.member_explained")
def explain_member(
    *,
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    key: str,
    audience: Audience | None = None,
    subset_ids: Iterable[int] | None = None,
) -> Explanation:
    """Say of each condition of a definition whether it holds for the row with this key."""
    looking = look_at(actor, parent, key)
    meant = _meant(looking, definition, audience, subset_ids)
    labels, tested = looking.label_outputs(), _tested(looking, meant)
    row = looking.row([*labels, *tested.values()])
    query, paths = looking.ask.explain(meant, (looking.key,))
    flags = dict(zip(paths, map(bool, looking.rows(query, 1)[0]), strict=True))
    [(member,)] = looking.rows(evidence.membership(looking.ask, meant, (looking.key,)), 1)
    values = dict(zip(tested, row[len(labels) :], strict=True))
    speaker = Speaker(only_seen(looking.schema, actor))
    limit = meant.definition.limit
    record(looking.parent, after={"audience": audience.name if audience else ""})
    return Explanation(
        key=looking.key,
        labels=tuple(str(value) for value in row[: len(labels)] if value is not None),
        member=bool(member),
        holds=flags["where",],
        every=meant.definition.where.match is Match.ALL,
        conditions=_told(speaker, meant, flags, values),
        limit=speaker.limit(limit, looking.model).removeprefix(", ") if limit else "",
        subsets=bool(meant.subsets),
    )


@service("schema_model.evidence_viewed")
def view_evidence(
    *,
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    key: str,
    pointer: str,
    audience: Audience | None = None,
    subset_ids: Iterable[int] | None = None,
) -> Rows:
    """The rows that decide one condition for the row with this key, newest events first."""
    looking = look_at(actor, parent, key)
    meant = _meant(looking, definition, audience, subset_ids)
    known = {_pointer(line.path): line.path for line in Speaker(looking.schema).lines(meant.model, meant.definition)}
    path = known.get(pointer, ())
    condition = evidence.condition_at(meant.definition.where, path) if path else None
    relationship = _relationship(looking.schema, condition)
    if relationship is None:
        raise NotFound("No rows of another model decide this condition.")
    looking.row()
    about = evidence.trait_rows if isinstance(condition, TraitCondition) else evidence.evidence
    hops = looking.schema.step(relationship, meant.model) or ()
    model = meant.model if isinstance(condition, RelationCondition) and condition.others else hops[-1].model
    record(looking.parent, after={"audience": audience.name if audience else ""})
    return looking.related(model, partial(about, looking.ask, meant, path, (looking.key,)), MOST_ROWS)


def _meant(
    looking: Looking, definition: Any, audience: Audience | None, subset_ids: Iterable[int] | None
) -> SavedAudience:
    parent, schema = looking.parent, looking.schema
    subsets = meant_subsets(parent, audience, subset_ids)
    problems = problems_of(parent, definition, schema, audience, subsets)
    if problems := problems or unseen_in(looking.actor, definition, schema, audience):
        raise Invalid(problems[0].message, hint="Correct the conditions that are marked.")
    return given(parent, definition, audience, subsets)


def _tested(looking: Looking, meant: SavedAudience) -> dict[Path, Output]:
    """The values that conditions test, as far as previews show them."""
    found: dict[Path, Output] = {}
    for place, line in enumerate(Speaker(looking.schema).lines(meant.model, meant.definition)):
        match evidence.condition_at(meant.definition.where, line.path):
            case PropertyCondition(field=field):
                output = Output(f"value_{place}", field=field)
            case TraitCondition(trait=trait, definition=definition, where=where):
                output = Output(f"value_{place}", trait=trait, definition=definition, where=where)
            case _:
                continue
        if not problems_of_output(looking.schema, meant.model, output, surface=Surface.PREVIEWS):
            found[line.path] = output
    return found


def _told(
    speaker: Speaker, meant: SavedAudience, flags: Mapping[Path, bool], values: Mapping[Path, Any]
) -> tuple[Told, ...]:
    found = []
    for line in speaker.lines(meant.model, meant.definition):
        condition = evidence.condition_at(meant.definition.where, line.path)
        valued = isinstance(condition, PropertyCondition | TraitCondition)
        found.append(
            Told(
                words=line.words,
                depth=line.depth,
                holds=flags[line.path],
                pointer=_pointer(line.path),
                group=line.group,
                has_rows=_relationship(speaker.schema, condition) is not None,
                tested=line.path in values,
                hidden=valued and line.path not in values,
                value=values.get(line.path),
            )
        )
    return tuple(found)


def _relationship(schema: StudioSchema, condition: Condition | None) -> str | None:
    """The relationship to the rows that decide a condition; nothing where a value or its parts do."""
    if isinstance(condition, RelationCondition | EventCondition):
        return condition.relationship
    if isinstance(condition, TraitCondition):
        saved = schema.traits.get(condition.trait or "")
        definition = condition.definition or (saved.definition if saved else None)
        if definition is not None and not isinstance(definition, FormulaTrait):
            return definition.relationship
    return None


def _pointer(path: Path) -> str:
    return "/" + "/".join(str(step) for step in path)
