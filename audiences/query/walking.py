"""Walking through trees."""

from __future__ import annotations

from collections.abc import Iterator

from audiences.query.conditions import Condition, EventCondition, FormulaTrait, Group, RelationCondition, TraitCondition


def conditions_in(condition: Condition) -> Iterator[Condition]:
    """The condition and every one in it, at all levels."""
    yield condition
    match condition:
        case Group():
            inner: tuple[Condition, ...] = condition.conditions
        case RelationCondition() | EventCondition():
            inner = (condition.where,)
        case TraitCondition():
            inner = (condition.where, *_of_trait(condition))
        case _:
            inner = ()
    for each in inner:
        yield from conditions_in(each)


def _of_trait(condition: TraitCondition) -> tuple[Condition, ...]:
    definition = condition.definition
    return () if definition is None or isinstance(definition, FormulaTrait) else (definition.where,)
