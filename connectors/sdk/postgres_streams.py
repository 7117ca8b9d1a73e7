"""A query's rows from a server of the PostgreSQL family: over the columnar driver, or from a cursor."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from psycopg.adapt import AdaptersMap
from psycopg.types.string import TextLoader

from connectors.sdk import arrow
from connectors.sdk.errors import ConnectorError
from connectors.sdk.postgres import statement_error
from connectors.sdk.readings import Described, schema_of
from connectors.sdk.text_columns import text_batch, unreadable

# How much of a result the columnar driver holds at once.
BATCH_BYTES = 8 << 20
_CURSOR = "headrace_rows"
# For connections whose rows come as the server's own text, whatever the type: Arrow reads it in bulk.
AS_TEXT = AdaptersMap()
AS_TEXT.register_loader(0, TextLoader)


class PostgresStream(Protocol):
    """What both ways of reading are to the engine."""

    schema: pa.Schema

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    def cancel(self) -> None: ...


class ColumnarStream:
    """Rows in PostgreSQL's binary COPY format. Nothing runs before the first batch is asked for."""

    def __init__(self, cursor: adbc.Cursor, sql: str, described: Sequence[Described], batch_rows: int) -> None:
        self._cursor = cursor
        self._sql = sql
        self._batch_rows = batch_rows
        self.schema = schema_of(described)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            self._cursor.execute(self._sql)
            with self._cursor.fetch_record_batch() as reader:
                for batch in reader:
                    yield from self._ready(batch)
        except (adbc.Error, pa.ArrowException, OSError) as error:
            raise columnar_error(error) from error

    def cancel(self) -> None:
        with contextlib.suppress(adbc.Error):
            self._cursor.adbc_cancel()

    def _ready(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The batch as the schema says, in pieces of at most ``batch_rows``."""
        for start in range(0, batch.num_rows, self._batch_rows):
            piece = batch.slice(start, self._batch_rows)
            columns = [_carried(f, values) for f, values in zip(self.schema, piece.columns, strict=True)]
            ready = pa.RecordBatch.from_arrays(columns, schema=self.schema)
            arrow.check_calendar(ready)
            yield ready


class CursorStream:
    """Rows fetched piece by piece from a server-side cursor: for servers without PostgreSQL's COPY.

    The connection was made with :data:`AS_TEXT`. ``fetch_rows`` is how many the server hands out at once.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        sql: str,
        described: Sequence[Described],
        batch_rows: int,
        fetch_rows: int,
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._batch_rows = batch_rows
        self._fetch = f"FETCH FORWARD {min(batch_rows, fetch_rows)} FROM {_CURSOR}"
        self.schema = schema_of(described)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            self._connection.execute(f"DECLARE {_CURSOR} CURSOR FOR {self._sql}", prepare=False)
            yield from self._batches()
        except psycopg.Error as error:
            raise told(error) from error

    def cancel(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=5)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        held: list[Any] = []
        while True:
            rows = self._connection.execute(self._fetch, prepare=False).fetchall()
            held += rows
            if held and (not rows or len(held) >= self._batch_rows):
                yield text_batch(self.schema, list(zip(*held[: self._batch_rows], strict=True)))
                held = held[self._batch_rows :]
            if not rows:
                return


def told(error: psycopg.Error) -> ConnectorError:
    """The row driver's error as ours."""
    return statement_error(error.sqlstate or "", error.diag.message_primary or str(error))


def columnar_error(error: Exception) -> ConnectorError:
    """The columnar driver's error; in the middle of a result only its text tells what happened."""
    details = dict(getattr(error, "details", None) or ())
    primary = details.get(b"PG_DIAG_MESSAGE_PRIMARY") or details.get("PG_DIAG_MESSAGE_PRIMARY") or b""
    message = primary.decode("utf-8", "replace") if isinstance(primary, bytes) else str(primary)
    return statement_error(getattr(error, "sqlstate", None) or "", message or _server_words(str(error)))


def _carried(field: pa.Field, values: pa.Array) -> pa.Array:
    """The driver's column as the schema wants it."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if values.type == field.type:
        return values
    try:
        return values.cast(field.type)
    except pa.ArrowInvalid as error:
        raise unreadable(field) from error


def _server_words(text: str) -> str:
    found = re.search(r"(?:ERROR|FATAL):\s+(.+)", text)
    return found.group(1).strip() if found else text.strip()
