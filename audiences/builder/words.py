"""How operators, units and kinds of value read in the builder's menus."""

from __future__ import annotations

from collections.abc import Mapping

from audiences.query.conditions import Operator, Quantifier, Unit
from connectors.sdk.types import ColumnType

_O = Operator
_VALUES: Mapping[Operator, str] = {
    _O.EQUALS: "is",
    _O.NOT_EQUALS: "is not",
    _O.CONTAINS: "contains",
    _O.NOT_CONTAINS: "does not contain",
    _O.STARTS_WITH: "starts with",
    _O.ENDS_WITH: "ends with",
    _O.GREATER: "is more than",
    _O.LESS: "is less than",
    _O.GREATER_OR_EQUAL: "is at least",
    _O.LESS_OR_EQUAL: "is at most",
    _O.EXISTS: "has a value",
    _O.NOT_EXISTS: "has no value",
}
_TIMES: Mapping[Operator, str] = {
    _O.EQUALS: "on",
    _O.BEFORE: "before",
    _O.AFTER: "after",
    _O.WITHIN: "within",
    _O.NOT_WITHIN: "not within",
    _O.BETWEEN: "between",
    _O.ANNIVERSARY: "has its anniversary",
    _O.EXISTS: "has a value",
    _O.NOT_EXISTS: "has no value",
}
COUNTED: Mapping[Operator, str] = {
    _O.GREATER_OR_EQUAL: "at least",
    _O.LESS_OR_EQUAL: "at most",
    _O.EQUALS: "exactly",
    _O.NOT_EQUALS: "not exactly",
    _O.GREATER: "more than",
    _O.LESS: "fewer than",
}
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


def operator_label(kind: ColumnType, operator: Operator) -> str:
    """An operator on values of this type."""
    return (_TIMES if kind in {ColumnType.TIMESTAMP, ColumnType.DATE} else _VALUES)[operator]
