"""Rows of Arrow batches as INSERT statements, for warehouses that take no other load from here.

What surrounds the values is rendered from trees; a value is a literal that the dialect's own rules write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from connectors.sdk.planner import column_sql_type, holds_json, stored_type

_MARK = "headrace_3c9e4d0a71f5_value"
Write = Callable[[Any], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """How one system takes rows: at most ``rows`` and about ``size`` characters a statement.

    ``selects`` is for systems whose VALUES hold one row: rows are selected and united instead.
    ``json`` makes a value of a JSON column of its text. ``truth`` are its words for true and false.
    ``zoned`` whether moments with a zone are written with it: else they are those of UTC.
    """

    dialect: str
    rows: int = 1_000
    size: int = 500_000
    selects: bool = False
    json: Callable[[exp.Expr], exp.Expr] = lambda text: text
    truth: tuple[str, str] = ("TRUE", "FALSE")
    zoned: bool = True

    def statements(self, target: exp.Table, batches: pa.RecordBatchReader) -> Iterator[tuple[str, int]]:
        """Each statement with its number of rows."""
        head, between, tail = self._around(target, batches.schema)
        writers = [self._writer(field) for field in batches.schema]
        nulls = [self._null(field) for field in batches.schema]
        held: list[str] = []
        size = 0
        for batch in batches:
            for row in _rows(batch, writers, nulls):
                if held and (len(held) >= self.rows or size + len(row) > self.size):
                    yield f"{head}{between.join(held)}{tail}", len(held)
                    held, size = [], 0
                held.append(row)
                size += len(row)
        if held:
            yield f"{head}{between.join(held)}{tail}", len(held)

    def _around(self, target: exp.Table, schema: pa.Schema) -> tuple[str, str, str]:
        columns = [exp.to_identifier(name, quoted=True) for name in schema.names]
        into = exp.Schema(this=target, expressions=columns).sql(dialect=self.dialect)
        if self.selects:
            return f"INSERT INTO {into} SELECT ", " UNION ALL SELECT ", ""
        return f"INSERT INTO {into} VALUES (", "), (", ")"  # noqa: S608 - a rendered tree

    def _null(self, field: pa.Field) -> str:
        """No value: with its type where rows are united, which would not be told otherwise."""
        if not self.selects:
            return "NULL"
        kind = exp.DataType.build("JSON") if holds_json(field) else column_sql_type(field.type)
        return str(exp.cast(exp.null(), stored_type(kind, self.dialect)).sql(dialect=self.dialect))

    def _writer(self, field: pa.Field) -> Write:
        """What writes a column's values."""
        kind = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        yes, no = self.truth
        if pa.types.is_integer(kind):
            return str
        if pa.types.is_boolean(kind):
            return lambda value: yes if value else no
        generator = Dialect.get_or_raise(self.dialect).generator()
        unicode = self.dialect == "tsql"

        def literal(text: str) -> str:
            written = str(generator.literal_sql(exp.Literal.string(text)))
            return f"N{written}" if unicode else written

        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            if not holds_json(field):
                return literal
            return _within(self.json(exp.Literal.string(_MARK)).sql(dialect=self.dialect), literal)
        made = exp.cast(exp.Literal.string(_MARK), stored_type(column_sql_type(kind), self.dialect))
        around = _within(made.sql(dialect=self.dialect), literal)
        text = _moment(zoned=self.zoned) if pa.types.is_timestamp(kind) else _text
        return lambda value: around(text(value))


def _within(rendered: str, literal: Callable[[str], str]) -> Write:
    head, _, tail = rendered.partition(f"'{_MARK}'")
    return lambda text: f"{head}{literal(text)}{tail}"


def _rows(batch: pa.RecordBatch, writers: Sequence[Write], nulls: Sequence[str]) -> Iterator[str]:
    columns = []
    for values, write, null in zip(batch.columns, writers, nulls, strict=True):
        plain = values.storage if isinstance(values, pa.ExtensionArray) else values
        columns.append([null if value is None else write(value) for value in plain.to_pylist()])
    return map(", ".join, zip(*columns, strict=True))


def _moment(*, zoned: bool) -> Callable[[Any], str]:
    """Moments as all systems read them; without a zone what has one is that of UTC, as Arrow hands it out."""
    if zoned:
        return lambda value: str(value.isoformat(sep=" "))
    return lambda value: str(value.replace(tzinfo=None).isoformat(sep=" "))


def _text(value: Any) -> str:
    if isinstance(value, float):
        named = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return named.get(repr(value), repr(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
