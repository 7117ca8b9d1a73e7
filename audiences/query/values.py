"""A value that a condition tests: its node, its type, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from audiences.query.conditions import Operator, ReadAs, ResultType
from connectors.sdk.types import ColumnType

_O = Operator
_PRESENCE = (_O.EXISTS, _O.NOT_EXISTS)
_TEXT = (_O.EQUALS, _O.NOT_EQUALS, _O.CONTAINS, _O.NOT_CONTAINS, _O.STARTS_WITH, _O.ENDS_WITH, *_PRESENCE)
_NUMBER = (
    _O.EQUALS,
    _O.NOT_EQUALS,
    _O.GREATER,
    _O.LESS,
    _O.GREATER_OR_EQUAL,
    _O.LESS_OR_EQUAL,
    *_PRESENCE,
)
_TIME = (_O.EQUALS, _O.BEFORE, _O.AFTER, _O.WITHIN, _O.NOT_WITHIN, _O.BETWEEN, _O.ANNIVERSARY, *_PRESENCE)

OPERATORS: Mapping[ColumnType, tuple[Operator, ...]] = {
    ColumnType.STRING: _TEXT,
    ColumnType.NUMBER: _NUMBER,
    ColumnType.BOOLEAN: (_O.EQUALS, _O.NOT_EQUALS, *_PRESENCE),
    ColumnType.TIMESTAMP: _TIME,
    ColumnType.DATE: _TIME,
    ColumnType.OBJECT: _PRESENCE,
    ColumnType.REFERENCE: _PRESENCE,
    ColumnType.UNKNOWN: _PRESENCE,
}
# What takes an uploaded list.
LISTED: Mapping[ColumnType, tuple[Operator, ...]] = {
    ColumnType.STRING: (_O.CONTAINS, _O.NOT_CONTAINS, _O.EQUALS, _O.NOT_EQUALS),
    ColumnType.NUMBER: (_O.EQUALS, _O.NOT_EQUALS),
}
INEQUALITIES: Mapping[Operator, type[exp.Binary]] = {
    _O.GREATER: exp.GT,
    _O.LESS: exp.LT,
    _O.GREATER_OR_EQUAL: exp.GTE,
    _O.LESS_OR_EQUAL: exp.LTE,
}
COUNTS = (_O.EQUALS, _O.NOT_EQUALS, *INEQUALITIES)

READ_AS: Mapping[ReadAs, ColumnType] = {
    ReadAs.UNKNOWN: ColumnType.UNKNOWN,
    ReadAs.STRING: ColumnType.STRING,
    ReadAs.NUMBER: ColumnType.NUMBER,
    ReadAs.BOOLEAN: ColumnType.BOOLEAN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a condition tests.

    ``node`` must be copied before it is used twice. ``population`` is a query of this value, in the column
    ``value``, over all rows of its model: what percentiles are taken of; ``None`` where there are none.
    """

    node: exp.Expr
    type: ColumnType
    title: str
    zoned: bool = False
    ignore_case: bool = False
    suggestions: bool = False
    population: Callable[[], exp.Query] | None = None


def result_type(result: ResultType) -> ColumnType:
    """The column type of what SQL gives."""
    return ColumnType(result.value)
