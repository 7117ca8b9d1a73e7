"""How operators, units and kinds of value read in the builder's menus."""

from __future__ import annotations

from collections.abc import Mapping

from audiences.query.conditions import Operator, Quantifier, Unit
from audiences.query.sentences import TIMES, VERBS

QUANTIFIERS: Mapping[Quantifier, str] = {
    Quantifier.ANY: "has any",
    Quantifier.NONE: "has no",
    Quantifier.NUMBER: "has a number of",
}
OPERANDS: Mapping[str, str] = {
    "values": "value",
    "list": "uploaded list",
    "percentile": "percentile",
    "moment": "day or moment",
    "span": "days",
    "window": "window",
    "anniversary": "day",
    "blank": "blank to fill in",
}
UNITS: Mapping[Unit, str] = {unit: f"{unit.value}s" for unit in Unit}
READ_AS: Mapping[str, str] = {"unknown": "anything", "string": "text", "number": "number", "boolean": "yes or no"}


def operator_label(operator: Operator, *, of_event: bool) -> str:
    """An operator as it reads behind a value, or behind something that was done."""
    return (TIMES if of_event else VERBS)[operator]
