"""Writing into Headrace's schemas of an Amazon Redshift: PostgreSQL's protocol without its COPY and newer functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.arrow import object_from_text
from connectors.sdk.insertion import Insertion
from connectors.sdk.planner import PLANNER_SCHEMA, holds_json, own_table
from connectors.sdk.postgres_planner import PostgresSession, missing_rights, missing_schema, translating
from connectors.sdk.rows import dumps

_DIALECT = "redshift"
_TEXT_BYTES = 65_535  # what a text holds at most
_ROOMS = (16_384, 4_096, 1_024, 256, 64)  # bytes for each value of an object that is too long
_RIGHTS = """
SELECT has_schema_privilege(nspname, 'USAGE'), has_schema_privilege(nspname, 'CREATE')
FROM pg_catalog.pg_namespace WHERE nspname = %s
"""
# A statement may have 16 MB. Rows with JSON are united, as each value is parsed by a function.
_PLAIN = Insertion(dialect=_DIALECT, rows=5_000, size=4_000_000)
_PARSED = Insertion(
    dialect=_DIALECT, rows=200, size=4_000_000, selects=True, json=lambda text: exp.func("JSON_PARSE", text)
)


class RedshiftSession(PostgresSession):
    """Statements commit one by one, or together inside :meth:`transaction`."""

    dialect = _DIALECT
    settings: ClassVar[Mapping[str, str]] = {"timezone": "UTC", "datestyle": "ISO, YMD", "extra_float_digits": "2"}

    def prepare(self, statement_timeout_s: int) -> None:
        """Fix how values are written as text."""
        # Nought is no limit, as there.
        settings = {**self.settings, "statement_timeout": str(statement_timeout_s * 1000)}
        with translating():
            for name, value in settings.items():
                self._connection.execute(f"SET {name} TO {exp.Literal.string(value).sql(dialect=_DIALECT)}".encode())

    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """INSERT with many rows: COPY reads from S3 only. What no text of Redshift can hold is shortened."""
        insertion = _PARSED if any(map(holds_json, batches.schema)) else _PLAIN
        fitting = pa.RecordBatchReader.from_batches(batches.schema, _fitting(batches))
        rows = 0
        for sql, number in insertion.statements(own_table(name, schema), fitting):
            self._execute(sql)
            rows += number
        return rows

    def check_rights(self, schema: str) -> None:
        """Raise for the schema or right that is missing, with the statement that gives it."""
        user = self._connection.info.user
        with translating():
            row = self._connection.execute(_RIGHTS, (schema,)).fetchone()
        if row is None:
            raise missing_schema(schema, user)
        missing_rights(schema, user, usage=row[0], create=row[1])


def _fitting(batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = [_fitted(field, values) for field, values in zip(batch.schema, batch.columns, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _fitted(field: pa.Field, values: pa.Array) -> pa.Array:
    plain = values.storage if isinstance(values, pa.ExtensionArray) else values
    if not pa.types.is_string(plain.type) or plain.nbytes <= _TEXT_BYTES:
        return values
    cut = _shortened if holds_json(field) else _cut
    texts = [None if text is None else cut(text, _TEXT_BYTES) for text in plain.to_pylist()]
    made = pa.array(texts, pa.string())
    return pa.ExtensionArray.from_storage(values.type, made) if isinstance(values, pa.ExtensionArray) else made


def _cut(text: str, most: int) -> str:
    """The text's beginning, of at most so many bytes."""
    return text.encode()[:most].decode(errors="ignore") if len(text) * 4 > most else text


def _shortened(text: str, most: int) -> str:
    """JSON of at most so many bytes: an object's longest values are cut first, and its last fields left out then."""
    if len(text) * 4 <= most or len(text.encode()) <= most:
        return text
    found = object_from_text(text)
    fields: dict[str, Any] = found if isinstance(found, dict) else {"value": found}
    for room in _ROOMS:
        cut = {name: _within(value, room) for name, value in fields.items()}
        if len(made := dumps(cut)) <= most:
            return made.decode()
    kept: dict[str, Any] = {}
    for name, value in cut.items():
        if len(dumps({**kept, name: value})) > most:
            break
        kept[name] = value
    return dumps(kept).decode()


def _within(value: Any, room: int) -> Any:
    text = value if isinstance(value, str) else dumps(value).decode()
    return value if len(text.encode()) <= room else _cut(text, room)
