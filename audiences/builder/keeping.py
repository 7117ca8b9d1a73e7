"""What a condition calculates, taken out of it: as a trait of its own, or as a column of the audience."""

from __future__ import annotations

from typing import Any

from audiences.builder.edits import BadEdit, Tree, put, value_at
from audiences.query.templates import narrowed

HOW = {
    "last": "Last",
    "first": "First",
    "most_frequent": "Most frequent",
    "least_frequent": "Least frequent",
    "sum": "Sum",
    "average": "Average",
    "count": "Number of different values",
    "list": "List",
}
ORDERED = ("first", "last")


def trait_at(tree: Tree, pointer: str) -> Tree:
    """The definition of a trait that is defined in a condition, with what narrows it. Raises :class:`BadEdit`."""
    condition = _condition(tree, pointer, "trait")
    definition = condition.get("definition")
    if not isinstance(definition, dict) or not definition:
        raise BadEdit("This condition is about a saved trait.")
    extra = condition.get("where")
    if not isinstance(extra, dict) or not extra.get("conditions") or definition.get("method") == "formula":
        return definition
    return {**definition, "where": narrowed(definition.get("where"), extra)}


def with_saved(tree: Tree, pointer: str, trait: str) -> Tree:
    """The tree with a saved trait in the place of the one that was defined in the condition."""
    condition = _condition(tree, pointer, "trait")
    return put(tree, pointer, {"type": "trait", "trait": trait, "test": condition.get("test", {}), "where": {}})


def column_at(tree: Tree, pointer: str) -> Tree:
    """The column that a condition on a trait tests: its ``trait`` or ``definition``, and ``where``."""
    condition = _condition(tree, pointer, "trait")
    if condition.get("definition"):
        return {"definition": trait_at(tree, pointer)}
    extra = condition.get("where")
    return {"trait": int(condition["trait"]), "where": extra if isinstance(extra, dict) else None}


def event_trait(condition: Tree, how: str, column: Any, timestamp: str | None) -> Tree:
    """A trait over the events that a condition is about: what was last put into the cart, but not bought."""
    common = _of_rows(condition, timestamp)
    match how:
        case "sum" | "average":
            return {"method": "aggregation", "function": how, "column": column, **common}
        case "count":
            return {"method": "count", "column": column, "distinct": True, **common}
        case "list":
            return {"method": "list", "columns": [{"column": column}], **common}
        case _:
            order = {"order_by": {"column": timestamp}} if how in ORDERED and timestamp else {}
            return {"method": "occurrence", "which": how, "column": column, **order, **common}


def as_trait(tree: Tree, pointer: str, timestamp: str | None) -> Tree:
    """The tree with a condition on events or related rows said as one on how many there are: a trait to be kept."""
    condition = value_at(tree, pointer)
    if not isinstance(condition, dict) or condition.get("type") not in {"event", "relation"}:
        raise BadEdit("The condition is not there any more.")
    definition = {"method": "count", **_of_rows(condition, timestamp)}
    number = condition.get("number")
    none = condition.get("performed") is False or condition.get("quantifier") == "none"
    operator, count = ("equals", 0) if none else ("greater_or_equal", 1)
    if isinstance(number, dict) and not none:
        operator, count = number.get("operator", operator), number.get("count", count)
    test = {"operator": operator, "operand": {"kind": "values", "values": [count]}}
    return put(tree, pointer, {"type": "trait", "definition": definition, "test": test, "where": {}})


def _of_rows(condition: Tree, timestamp: str | None) -> Tree:
    """The rows that a condition is about, those in its time."""
    where: Tree = condition.get("where") or {}
    if condition.get("when") and timestamp:
        in_time = {"type": "property", "field": {"column": timestamp}, "test": condition["when"]}
        where = narrowed(where, {"conditions": [in_time]})
    return {"relationship": str(condition.get("relationship", "")), "where": where}


def _condition(tree: Tree, pointer: str, kind: str) -> Tree:
    found = value_at(tree, pointer)
    if not isinstance(found, dict) or found.get("type") != kind:
        raise BadEdit("The condition is not there any more.")
    return found


def event_at(tree: Tree, pointer: str) -> Tree:
    """The condition on an event. Raises :class:`BadEdit`."""
    return _condition(tree, pointer, "event")
