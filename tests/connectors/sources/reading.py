"""Small helpers that read a source the way the engine does."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import strategies as st

from connectors.sdk.arrow import column_type
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType

T = TypeVar("T")


def many(values: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """Values for one query: asking costs far more than a value."""
    return st.lists(values, min_size=10, max_size=40)


def rows(source: Source, sql: str) -> list[dict[str, Any]]:
    """Everything a query returns."""
    with source.query(sql) as stream:
        return [row for batch in stream for row in batch.to_pylist()]


def value(source: Source, expression: str) -> Any:
    """One value, read through a query of one column."""
    (row,) = rows(source, f"SELECT {expression} AS value")
    return row["value"]


def kind(source: Source, expression: str) -> ColumnType:
    """The type that people see a value as; the description and the stream must agree."""
    sql = f"SELECT {expression} AS value"
    (described,) = source.describe(sql)
    with source.query(sql) as stream:
        assert column_type(stream.schema.field(0)) == described.type
    return described.type
