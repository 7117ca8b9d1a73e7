"""What insights ask the source, and the aggregates that come of it: JSON, and never a row of somebody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from audiences.choices import CalculationKind
from audiences.measures import read_measure, title_of
from audiences.models import Audience, Calculation
from audiences.query import insights
from audiences.query.buckets import Buckets, buckets_of
from audiences.query.conditions import (
    AudienceCondition,
    Definition,
    EventCondition,
    Group,
    Operator,
    Test,
    Unit,
    Window,
)
from audiences.query.schema import ModelKind, SavedAudience
from audiences.query.statements import Asker, Query
from audiences.selectors.priority import standing_before
from config.errors import Conflict

MOST_GROUPS = 25
SMALLEST = 5  # members of a group that somebody without the right to see rows is told of
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One calculation under way: ``fetch`` asks the source for so many rows, ``tell`` says how much of it is done."""

    calculation: Calculation
    ask: Asker
    audience: SavedAudience
    fetch: Callable[[Query, int], Rows]
    tell: Callable[[int, int], None]

    @property
    def question(self) -> Mapping[str, Any]:
        """What is asked beside the definition."""
        found: Mapping[str, Any] = self.calculation.question
        return found

    def before(self, audience_id: int | str | None) -> insights.Before:
        """The audiences that get members before a saved one does; none before one that was never saved."""
        audience = Audience.objects.filter(pk=audience_id).first() if audience_id else None
        return standing_before(audience, self.ask.schema) if audience else ()

    def one(self, query: Query) -> Sequence[Any]:
        """The only row of an aggregate."""
        return self.fetch(query, 1)[0]


def overlap(asking: Asking) -> dict[str, Any]:
    """How many members the audience shares with each of the others."""
    others, found = asking.question["with"], []
    own = asking.before(asking.question["audience"])
    for place, pk in enumerate(others):
        other = asking.ask.schema.audiences.get(str(pk))
        if other is None:
            raise Conflict("One of these audiences is not there any more.", hint="Choose again.")
        asking.tell(place, len(others))
        query = insights.overlap(asking.ask, asking.audience, other, (own, asking.before(pk)))
        both, first, second = (int(n) for n in asking.one(query))
        found.append({"id": other.id, "name": other.name, "both": both, "only_this": first, "only_other": second})
    return {"others": found}


def events(asking: Asking) -> dict[str, Any]:
    """How many members did each event in the last days, most first."""
    schema, model, days = asking.ask.schema, asking.audience.model, int(asking.question["days"])
    ask = replace(
        asking.ask, schema=replace(schema, audiences={**schema.audiences, asking.audience.id: asking.audience})
    )
    known = {
        relationship: hops[-1].model
        for relationship in schema.relationships
        if (hops := schema.step(relationship, model)) and schema.models[hops[-1].model].kind is ModelKind.EVENT
    }
    found = []
    for place, (relationship, event) in enumerate(known.items()):
        asking.tell(place, len(known))
        did = EventCondition(relationship, when=Test(Operator.WITHIN, Window(days, Unit.DAY)))
        where = Group(conditions=(AudienceCondition(asking.audience.id), did))
        meant = SavedAudience(id="did", name="", model=model, definition=Definition(where=where))
        [members] = asking.one(ask.count(meant))
        found.append({"name": schema.models[event].name, "members": int(members)})
    return {"days": days, "events": sorted(found, key=lambda each: -int(each["members"]))}


def breakdown(asking: Asking) -> dict[str, Any]:
    """The members in groups, with whatever is calculated of each group."""
    ask, audience, question = asking.ask, asking.audience, asking.question
    by = read_measure(question["by"], "by")
    measure = read_measure(question["measure"], "measure") if question.get("measure") else None
    kind = insights.type_of(ask, audience.model, by)
    before = asking.before(question["audience"])
    asking.tell(0, 2)
    members, empty, different, least, greatest = asking.one(insights.spread(ask, audience, by, before))
    buckets = buckets_of(kind, least, greatest, int(different))
    asking.tell(1, 2)
    query = insights.breakdown(
        ask,
        audience,
        by,
        measure=measure,
        calculation=insights.Calculation(question["calculation"]),
        edges=buckets.edges if buckets else (),
        groups=MOST_GROUPS,
        before=before,
    )
    rows = asking.fetch(query, MOST_GROUPS)
    groups = [
        {"label": _label(value, buckets), "order": _order(value), "members": int(count), "value": _plain(calculated)}
        for value, count, calculated in rows
    ]
    if buckets is not None:
        groups += _nobody_in({group["order"] for group in groups}, buckets)
    answer = {
        "title": title_of(ask.schema, audience.model, question["by"]),
        "measure": title_of(ask.schema, audience.model, question["measure"]) if measure else "",
        "calculation": question["calculation"],
        "members": int(members),
        "empty": int(empty),
        "different": int(different),
        "ranges": buckets is not None,
        "ranked": buckets is None and not isinstance(least, int | float | Decimal | date),
        "groups": groups,
    }
    return answer if question["rows"] else without_small_groups(answer)


def without_small_groups(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A breakdown as somebody may see it who may not see rows: a group of few people could say who they are."""
    groups = [each for each in answer["groups"] if not 0 < each["members"] < SMALLEST]
    return {**answer, "groups": groups, "few": len(answer["groups"]) - len(groups) + answer.get("few", 0)}


ANSWERS: Mapping[CalculationKind, Callable[[Asking], dict[str, Any]]] = {
    CalculationKind.OVERLAP: overlap,
    CalculationKind.EVENTS: events,
    CalculationKind.BREAKDOWN: breakdown,
}


def _nobody_in(known: Collection[Any], buckets: Buckets) -> list[dict[str, Any]]:
    """Ranges without members: a gap is something to see."""
    return [
        {"label": label, "order": place, "members": 0, "value": None}
        for place, label in enumerate(buckets.labels)
        if place not in known
    ]


def _label(value: Any, buckets: Buckets | None) -> str:
    if value is None:
        return "No value"
    if buckets is not None:
        return buckets.labels[int(value)]
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Decimal | float):
        return f"{value:,f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return f"{value:,}" if isinstance(value, int) else str(value) or "(empty text)"


def _order(value: Any) -> float | str | None:
    """What groups of numbers and times are ordered by on the page."""
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, int | float | Decimal) else None


def _plain(value: Any) -> int | float | None:
    if isinstance(value, Decimal | float):
        return float(value)
    return int(value) if value is not None else None
