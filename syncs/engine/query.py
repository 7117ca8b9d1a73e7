"""The first stage: the model's rows, streamed from the source into the spool.

The spool is the run's immutable copy of the result as Parquet: ``_key`` (text),
``_hash`` (of the tracked values), ``_error`` (why a value could not take the type
that people chose for its column) and the columns as ``c0``, ``c1``… so that no
name of a model can clash with another or with ours.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from connectors.sdk.errors import QueryError
from connectors.sdk.source import RowStream, Source
from connectors.sdk.sql import select_columns
from syncs.engine.casting import Caster
from syncs.engine.duck import Duck, literal
from syncs.engine.errors import UnknownColumn
from syncs.engine.forgetting import Forgotten, leave_out
from syncs.engine.recipe import ERROR, HASH, KEY, Layout, hash_expression, key_expression, recipe_name
from syncs.engine.spec import RunSpec
from syncs.engine.storable import converter, storable_type
from syncs.engine.storage import Storage

BATCH_ROWS = 20_000
PARQUET = "FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000, ROW_GROUP_SIZE_BYTES '32MB'"
_SOURCE_KEY = "_source_key"
_STREAM = "model_stream"
_SCHEMA_NOTE = "headrace_schema"
_KEY_NOTE = "headrace_key_type"


@dataclass(frozen=True, slots=True)
class Spool:
    """A written spool. ``schema`` has the columns' names, marks and Arrow types, ``key_type`` what the source gave.

    ``forgotten`` counts rows that came and were left out.
    """

    path: str
    layout: Layout
    schema: pa.Schema
    recipe: str
    key_type: str
    forgotten: int = 0


def write_spool(
    bench: Duck,
    spec: RunSpec,
    source: Source,
    storage: Storage,
    path: str,
    on_rows: Callable[[int], None],
    *,
    where: exp.Expr | None = None,
    among: str = "",
    forgotten: Forgotten | None = None,
) -> Spool:
    """Run the model's query and write the spool; ``on_rows`` is told how many rows have come.

    ``where`` narrows the query at the source; of the rows that come, only those whose key
    is in the table ``among`` are kept, where one is named, and never a ``forgotten`` one.
    """
    names = [column.name for column in spec.columns]
    sql = select_columns(spec.sql, names, spec.dialect, where=where)
    try:
        with source.query(sql, batch_rows=BATCH_ROWS) as stream:
            return _write(bench, spec, stream, storage, path, on_rows, among, forgotten)
    except QueryError:
        if (error := missing_columns(spec, source)) is not None:
            raise error from None
        raise


def _write(
    bench: Duck,
    spec: RunSpec,
    stream: RowStream,
    storage: Storage,
    path: str,
    on_rows: Callable[[int], None],
    among: str,
    forgotten: Forgotten | None,
) -> Spool:
    caster = Caster(stream.schema, spec.columns)
    schema = _stream_schema(caster.schema, stream.schema.field(_key_index(spec)).type)
    types = _duckdb_types(bench, schema)
    layout = Layout(tuple(c.name for c in spec.columns), types[2:])
    feed = _Feed(stream, caster, _key_index(spec), schema, on_rows)
    bench.connection.register(_STREAM, pa.RecordBatchReader.from_batches(schema, feed))
    columns = ", ".join(layout.positions)
    select = (
        f"SELECT {key_expression(_SOURCE_KEY, types[0])} AS {KEY}, {hash_expression(layout, spec.tracked)} AS {HASH}, "
        f"{ERROR}, {columns} FROM {_STREAM}"
    )
    if among:
        select = f"SELECT * FROM ({select}) SEMI JOIN {among} USING ({KEY})"
    if forgotten:
        select = leave_out(bench, forgotten, select)
    try:
        with storage.writing(path) as place:
            bench.run(f"COPY ({select}) TO {literal(place)} ({PARQUET}, {spool_notes(caster.schema, types[0])})")
    except BaseException:
        stream.cancel()
        if feed.failure is not None:
            raise feed.failure from None
        raise
    finally:
        bench.connection.unregister(_STREAM)
    left_out = feed.rows - int(pq.read_metadata(storage.local(path)).num_rows) if forgotten and not among else 0
    return Spool(path, layout, caster.schema, recipe_name(layout, spec.tracked), types[0], left_out)


class _Feed:
    """The source's batches as the spool takes them; keeps the error that DuckDB would wrap."""

    def __init__(
        self, stream: RowStream, caster: Caster, key: int, schema: pa.Schema, on_rows: Callable[[int], None]
    ) -> None:
        self._stream = stream
        self._caster = caster
        self._key = key
        self._schema = schema
        self._on_rows = on_rows
        self.failure: BaseException | None = None
        self.rows = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._stream:
                cast = self._caster(batch)
                key = _plain_key(batch.column(self._key), self._schema.field(0).type)
                yield pa.RecordBatch.from_arrays([key, cast.errors, *cast.columns], schema=self._schema)
                self.rows += batch.num_rows
                self._on_rows(self.rows)
        except Exception as error:
            self.failure = error
            raise


def read_spool_schema(path: Path) -> pa.Schema:
    """The columns' names, marks and types as the spool's writer had them."""
    note = pq.read_schema(path).metadata[_SCHEMA_NOTE.encode()]
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(note)))


def write_schema(storage: Storage, path: str, schema: pa.Schema) -> None:
    """A spool without rows: what knows the columns where the rows stay in the warehouse."""
    note = base64.b64encode(schema.serialize().to_pybytes())
    empty = pa.schema([], metadata={_SCHEMA_NOTE.encode(): note}).empty_table()
    with storage.writing(path) as place:
        pq.write_table(empty, place)


def read_key_type(path: Path) -> str:
    """The type that the source gave the key when a spool was written; empty where its writer did not say."""
    notes: dict[bytes, bytes] = pq.read_schema(path).metadata or {}
    return notes.get(_KEY_NOTE.encode(), b"").decode()


def spool_notes(schema: pa.Schema, key_type: str) -> str:
    """DuckDB keeps no Arrow metadata, so the schema travels as text in the file's own, beside the key's type."""
    text = base64.b64encode(schema.serialize().to_pybytes()).decode()
    return f"KV_METADATA {{{_SCHEMA_NOTE}: {literal(text)}, {_KEY_NOTE}: {literal(key_type)}}}"


def _plain_key(column: pa.Array, kind: pa.DataType) -> pa.Array:
    convert = converter(column.type)
    return column if convert is None else convert(column).cast(kind)


def _key_index(spec: RunSpec) -> int:
    return [column.name for column in spec.columns].index(spec.primary_key)


def _stream_schema(columns: pa.Schema, key: pa.DataType) -> pa.Schema:
    fields = [pa.field(_SOURCE_KEY, storable_type(key)), pa.field(ERROR, pa.string())]
    fields += [pa.field(f"c{i}", column.type) for i, column in enumerate(columns)]
    return pa.schema(fields)


def _duckdb_types(bench: Duck, schema: pa.Schema) -> tuple[str, ...]:
    bench.connection.register("empty_stream", schema.empty_table())
    described = bench.rows("DESCRIBE SELECT * FROM empty_stream")
    bench.connection.unregister("empty_stream")
    return tuple(str(row[1]) for row in described)


def missing_columns(spec: RunSpec, source: Source) -> UnknownColumn | None:
    """An error that names the missing columns; the source's own words about the wrapped query would confuse."""
    present = {column.name for column in source.describe(spec.sql)}
    missing = [column.name for column in spec.columns if column.name not in present]
    return UnknownColumn(missing, uses_of(spec, missing)) if missing else None


def uses_of(spec: RunSpec, columns: list[str]) -> list[str]:
    """What of the sync needs these columns, in words."""
    uses = ["the primary key"] if spec.primary_key in columns else []
    for mapping in spec.mappings:
        if set(mapping.named_columns) & set(columns):
            uses.append(f"the mapping to “{mapping.to}”")
    return uses
