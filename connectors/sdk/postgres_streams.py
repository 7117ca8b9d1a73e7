"""A query's rows from a server of the PostgreSQL family: over the columnar driver, or from a cursor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from psycopg.adapt import AdaptersMap
from psycopg.types.string import TextLoader

from connectors.sdk import arrow
from connectors.sdk.errors import ConnectorError
from connectors.sdk.postgres import statement_error
from connectors.sdk.text_columns import text_batch, unreadable

# How much of a result the columnar driver holds at once.
BATCH_BYTES = 8 << 20
_CURSOR = "headrace_rows"
# For connections whose rows come as the server's own text, whatever the type: Arrow reads it in bulk.
AS_TEXT = AdaptersMap()
AS_TEXT.register_loader(0, TextLoader)


def columnar_rows(cursor: adbc.Cursor, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Rows in PostgreSQL's binary COPY format, as the schema says, in pieces of at most ``batch_rows``."""
    cursor.execute(sql)
    with cursor.fetch_record_batch() as reader:
        for batch in reader:
            for start in range(0, batch.num_rows, batch_rows):
                piece = batch.slice(start, batch_rows)
                columns = [_carried(f, values) for f, values in zip(schema, piece.columns, strict=True)]
                ready = pa.RecordBatch.from_arrays(columns, schema=schema)
                arrow.check_calendar(ready)
                yield ready


def cursor_rows(
    connection: psycopg.Connection[Any], sql: str, schema: pa.Schema, batch_rows: int, fetch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Rows fetched piece by piece from a server-side cursor: for servers without PostgreSQL's COPY.

    The connection was made with :data:`AS_TEXT`. ``fetch_rows`` is how many the server hands out at once.
    """
    connection.execute(f"DECLARE {_CURSOR} CURSOR FOR {sql}", prepare=False)
    fetch = f"FETCH FORWARD {min(batch_rows, fetch_rows)} FROM {_CURSOR}"
    held: list[Any] = []
    while True:
        rows = connection.execute(fetch, prepare=False).fetchall()
        held += rows
        if held and (not rows or len(held) >= batch_rows):
            yield text_batch(schema, list(zip(*held[:batch_rows], strict=True)))
            held = held[batch_rows:]
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
