"""Conditions that stand in several audiences: what would be said once as a trait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audiences.query.conditions import Condition, EventCondition, RelationCondition, TraitCondition
from audiences.query.schema import SavedAudience


def repeated(conditions: Iterable[Condition], others: Iterable[SavedAudience]) -> Mapping[str, tuple[str, ...]]:
    """By their places, the conditions at the top that calculate what conditions of other audiences do; their names.

    Those on saved traits are left out, as they are said once already.
    """
    sought = {f"/where/conditions/{place}": _calculated(each) for place, each in enumerate(conditions)}
    sought = {place: each for place, each in sought.items() if each is not None}
    found: dict[str, list[str]] = {place: [] for place in sought}
    for audience in others if sought else ():
        theirs = [_calculated(each) for each in audience.definition.where.conditions]
        for place, each in sought.items():
            if each in theirs:
                found[place].append(audience.name)
    return {place: tuple(sorted(names)) for place, names in found.items() if names}


def _calculated(condition: Condition) -> Any:
    """What a condition calculates, whatever it is compared with; nothing for what is no calculation."""
    match condition:
        case EventCondition():
            return condition.relationship, condition.when, condition.where
        case RelationCondition(others=False):
            return condition.relationship, None, condition.where
        case TraitCondition() if condition.definition is not None:
            return condition.definition, condition.where
        case _:
            return None
