"""A query's columns as a source reads them, and the stream that carries them: shared by all sources with SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from connectors.sdk import arrow
from connectors.sdk.sql import quoted_column, select_columns
from connectors.sdk.types import Column, ColumnType

Read = Callable[[exp.Column], exp.Expr]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a column is shown, the Arrow type it arrives as, and the expression that reads it.

    ``read`` is ``None`` where the column is read as it is.
    """

    type: ColumnType
    arrow: pa.DataType
    read: Read | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A column of a query and how to read it."""

    column: Column
    reading: Reading


class Stream:
    """A query's rows. Nothing runs before the first batch is asked for."""

    def __init__(
        self, schema: pa.Schema, run: Callable[[], Iterator[pa.RecordBatch]], cancel: Callable[[], None]
    ) -> None:
        self.schema = schema
        self._run = run
        self.cancel = cancel

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._run()


def schema_of(described: Sequence[Described]) -> pa.Schema:
    """The Arrow schema of a result, each column marked with its type."""
    return pa.schema(
        arrow.mark(pa.field(d.column.name, d.reading.arrow), d.column.type, d.column.native_type) for d in described
    )


def select_described(sql: str, described: Sequence[Described], dialect: str) -> str:
    """The query's columns, each read as its type needs."""
    reads = {d.column.name: d.reading.read(quoted_column(d.column.name)) for d in described if d.reading.read}
    return select_columns(sql, [d.column.name for d in described], dialect, reads)
