"""Writing into Headrace's datasets of a BigQuery project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any, TypeVar

import pyarrow as pa

from connectors.sdk.arrow import object_from_text
from connectors.sdk.bigquery import Session
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError
from connectors.sdk.planner import PLANNER_SCHEMA, Statement, WarehouseSession, holds_json
from connectors.sdk.rows import decimal_text, dumps, json_rows
from connectors.sdk.source import RowStream
from connectors.sdk.sql import check_read_only
from connectors.sdk.types import Column

T = TypeVar("T")
_DIALECT = "bigquery"
_LOAD_ROWS = 50_000  # of one load job: a table takes 1,500 of them a day
_KINDS = ("CREATE_TABLE", "CREATE_TABLE_AS_SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "DROP_TABLE")

Query = Callable[[str, int], AbstractContextManager[RowStream]]
Describe = Callable[[str], Sequence[Column]]


class BigQuerySession(WarehouseSession):
    """Statements that commit one by one; there are no transactions over several."""

    dialect = _DIALECT

    def __init__(self, session: Session, query: Query, describe: Describe) -> None:
        self._session = session
        self._query = query
        self._describe = describe

    def execute(self, statement: Statement) -> int:
        """As everywhere; with a model inside, BigQuery says first that it takes the text for one statement."""
        if statement.model:
            check_read_only(statement.model, _DIALECT)
            if _typed(lambda: self._session.kind(statement.sql(_DIALECT))) not in _KINDS:
                raise QueryError("This is more than one statement.", hint="A model is a single query that only reads.")
        return super().execute(statement)

    def tables(self, prefix: str, schema: str = PLANNER_SCHEMA) -> list[str]:
        """The tables of one of Headrace's datasets whose names begin so, sorted."""
        return sorted(name for name in _typed(lambda: self._session.named(schema)) if name.startswith(prefix))

    def describe(self, query: Statement) -> Sequence[Column]:
        """The columns of a query; nothing is run."""
        return self._describe(query.sql(_DIALECT))

    def query(self, query: Statement, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        """A query's rows as Arrow batches."""
        return self._query(query.sql(_DIALECT), batch_rows)

    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """Load jobs of JSON lines, which cost nothing and are there when they have ended."""
        rows, held, lines = 0, 0, bytearray()
        for batch in batches:
            for line in _lines(batch):
                lines += line
            held += batch.num_rows
            rows += batch.num_rows
            if held >= _LOAD_ROWS:
                self._load(schema, name, lines)
                held, lines = 0, bytearray()
        if held:
            self._load(schema, name, lines)
        return rows

    def transaction(self) -> AbstractContextManager[None]:
        """Each statement by itself."""
        return nullcontext()

    def cancel(self) -> None:
        """Cancel the job that runs."""
        self._session.cancel()

    def _load(self, schema: str, name: str, lines: bytearray) -> None:
        _typed(lambda: self._session.load(schema, name, bytes(lines)))

    def _execute(self, sql: str) -> int:
        return _typed(lambda: self._session.write(sql))

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        fields, rows = _typed(lambda: self._session.small(sql))
        readers = [_READERS.get(str(field["type"]), str) for field in fields]
        return [
            tuple(None if cell["v"] is None else read(cell["v"]) for read, cell in zip(readers, row["f"], strict=True))
            for row in rows
        ]


def _typed(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except ConnectorError as error:
        raise write_error(error) from error


def write_error(error: ConnectorError) -> ConnectorError:
    """BigQuery's refusal of a write, with what gives the right that is missing."""
    words = error.message
    if "headrace_" in words and "not found" in words.lower() and "Dataset" in words:
        hint = "Create the two datasets with the set-up SQL of this source, in the location of the data."
        return ConfigError(words, field="location", hint=hint)
    if isinstance(error, AuthError):
        hint = "Grant the account BigQuery Data Editor on both datasets, with the set-up SQL of this source."
        return AuthError(words, hint=hint)
    return error


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Numbers as text, which BigQuery reads without loss, and moments without a zone as it writes them."""
    columns = [c.storage if isinstance(c, pa.ExtensionArray) else c for c in batch.columns]
    texts = [c.cast(pa.string()) if pa.types.is_decimal(c.type) or pa.types.is_integer(c.type) else c for c in columns]
    return pa.RecordBatch.from_arrays(texts, names=batch.schema.names)


def _lines(batch: pa.RecordBatch) -> Iterator[bytes]:
    """The rows as lines of JSON; columns of JSON as what their texts stand for."""
    inner = [field.name for field in batch.schema if holds_json(field)]
    for record in json_rows(_plain(batch)):
        for name in inner:
            record[name] = None if record[name] is None else _storable(object_from_text(record[name]))
        yield dumps(record) + b"\n"


def _storable(value: Any) -> Any:
    """The value with numbers that BigQuery's JSON would round as text: it keeps 64 bits, whole or floating."""
    if isinstance(value, dict):
        return {name: _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, Decimal):
        return value if Decimal(repr(float(value))) == value else decimal_text(value)
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


_READERS: dict[str, Callable[[str], Any]] = {
    "INTEGER": int,
    "INT64": int,
    "FLOAT": float,
    "FLOAT64": float,
    "BOOLEAN": lambda text: text == "true",
    "BOOL": lambda text: text == "true",
}
