"""Asking what audiences are made of and whom they share: begun here, answered by workers, soon forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from audiences import access
from audiences.choices import CalculationKind
from audiences.definitions import asker, schema_with_audiences
from audiences.measures import read_measure
from audiences.models import Audience, Calculation, SchemaModel
from audiences.query import insights
from audiences.query.conditions import Definition
from audiences.query.errors import InvalidTree
from audiences.query.schema import SavedAudience
from audiences.services.audiences import begun, checked
from audiences.services.choosing import chosen_subsets
from config.errors import Invalid
from connectors.sdk.types import ColumnType
from governance.audit.actors import Actor
from governance.audit.services import record, service

MOST_OTHERS = 5
LONGEST_DAYS = 400


@service("schema_model.audiences_compared")
def compare_audiences(
    *,
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    other_ids: Sequence[int],
    audience: Audience | None = None,
    subset_ids: Iterable[int] | None = None,
    sampled: bool = False,
) -> Calculation:
    """Let a worker count whom a definition shares with each of some audiences of the same parent model."""
    parent = access.parent_to_build_on(actor, parent.pk)
    wanted = list(dict.fromkeys(other_ids))
    if not wanted:
        raise Invalid.field("with", "Choose an audience to compare with.")
    if len(wanted) > MOST_OTHERS:
        raise Invalid.field("with", f"Choose {MOST_OTHERS} audiences at most.")
    others = {row.pk: row for row in access.audiences_in_view(actor).filter(parent_model=parent, pk__in=wanted)}
    if len(others) < len(wanted):
        raise Invalid.field("with", f"There is no such audience of {parent.name}.")
    if audience is not None and audience.pk in others:
        raise Invalid.field("with", "Every audience shares all of its members with itself: choose another one.")
    return _asked(actor, parent, definition, audience, CalculationKind.OVERLAP, {"with": wanted}, subset_ids, sampled)


@service("schema_model.events_counted")
def count_events(*, actor: Actor, audience: Audience, days: int, sampled: bool = False) -> Calculation:
    """Let a worker count how many members of a saved audience did each event in the last days."""
    parent = access.parent_to_build_on(actor, audience.parent_model_id)
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid.field("days", f"Between 1 and {LONGEST_DAYS} days can be counted.")
    asked = {"days": days}
    return _asked(actor, parent, audience.definition, audience, CalculationKind.EVENTS, asked, sampled=sampled)


@service("schema_model.members_broken_down")
def break_down(
    *,
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    by: Any,
    measure: Any = None,
    calculation: str = insights.Calculation.COUNT,
    audience: Audience | None = None,
    subset_ids: Iterable[int] | None = None,
    sampled: bool = False,
) -> Calculation:
    """Let a worker put the members of a definition into groups by a measure, and calculate with another one."""
    parent = access.parent_to_build_on(actor, parent.pk)
    if calculation not in set(insights.Calculation):
        raise Invalid.field("calculation", "This cannot be calculated.")
    measure = measure if calculation != insights.Calculation.COUNT else None
    _check_measures(parent, by, measure, insights.Calculation(calculation))
    question = {
        "by": by,
        "measure": measure,
        "calculation": calculation,
        "rows": access.may_view_rows(actor, parent),
    }
    return _asked(actor, parent, definition, audience, CalculationKind.BREAKDOWN, question, subset_ids, sampled)


def _check_measures(parent: SchemaModel, by: Any, measure: Any, calculation: insights.Calculation) -> None:
    """Refuse what no query can be made of, before a worker tries."""
    ask = asker(schema_with_audiences(parent.source))
    grouping = read_measure(by, "by")
    calculated = read_measure(measure, "measure") if measure else None
    everybody = SavedAudience(id="all", name="", model=str(parent.pk), definition=Definition())
    try:
        insights.breakdown(ask, everybody, grouping, measure=calculated, calculation=calculation)
        kind = insights.type_of(ask, everybody.model, grouping)
    except InvalidTree as error:
        problem = error.problems[0]
        raise Invalid.field(str(problem.path[0]) if problem.path else "by", problem.message) from None
    if calculated is not None and kind is ColumnType.NUMBER:
        raise Invalid.field("by", "Group by something that is not a number.")


def _asked(
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    audience: Audience | None,
    kind: CalculationKind,
    question: dict[str, Any],
    subset_ids: Iterable[int] | None = None,
    sampled: bool = False,
) -> Calculation:
    subsets = chosen_subsets(actor, parent, subset_ids, audience)
    tree = checked(actor, parent, definition, audience, subsets)
    asked = {**question, "audience": audience.pk if audience else None}
    made = begun(parent, tree, audience=audience, subsets=subsets, kind=kind, question=asked, sampled=sampled)
    record(parent, after={**question, "audience": audience.name if audience else ""})
    return made
