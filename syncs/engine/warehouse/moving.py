"""What the local planner knew, taken into the warehouse once, when a source changes planners.

The previous run's spool and overlay are loaded as they are. Digests are made there
from the loaded columns: none of DuckDB's can be compared with the warehouse's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.sdk.planner import create_columns
from syncs.engine.recipe import HASH, KEY
from syncs.engine.spec import Baseline
from syncs.engine.storage import Storage
from syncs.engine.warehouse.desk import Desk
from syncs.engine.warehouse.statements import FORCED, PRESENT
from syncs.engine.warehouse.tables import MOVED_PLAN, MOVED_REJECTIONS, Names

_BATCH_ROWS = 20_000


def move(bench: Desk, names: Names, storage: Storage, baseline: Baseline) -> tuple[str, str]:
    """Load the files of a local baseline; the two tables, the second empty where no row is unsettled."""
    plan, rejections = names(MOVED_PLAN), names(MOVED_REJECTIONS)
    _load(bench, plan, storage.local(baseline.spool))
    if not baseline.overlay:
        return plan, ""
    _load(bench, rejections, storage.local(baseline.overlay))
    return plan, rejections


def _load(bench: Desk, name: str, file: Path) -> None:
    with pq.ParquetFile(file) as opened:
        wanted = [n for n in opened.schema_arrow.names if n != "_error"]
        schema = pa.schema([_field(opened.schema_arrow.field(n)) for n in wanted])
        bench.create(name, create_columns(name, dict(zip(schema.names, schema.types, strict=True))))
        batches = _batches(opened, wanted, schema)
        bench.load(name, pa.RecordBatchReader.from_batches(schema, batches))


def _field(field: pa.Field) -> pa.Field:
    if field.name in (PRESENT, FORCED):
        return pa.field(field.name, pa.int32())
    if field.name == HASH:  # only whether there is one matters: it is made anew
        return pa.field(field.name, pa.string())
    if isinstance(field.type, pa.BaseExtensionType):
        return pa.field(field.name, pa.string())
    return pa.field(field.name, field.type)


def _batches(file: pq.ParquetFile, names: Sequence[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(names)):
        if batch.num_rows and (kept := batch.filter(pc.is_valid(batch.column(KEY)))).num_rows:
            yield pa.RecordBatch.from_arrays([_loadable(kept.column(f.name), f.type) for f in schema], schema=schema)


def _loadable(values: pa.Array, kind: pa.DataType) -> pa.Array:
    plain = values.storage if isinstance(values, pa.ExtensionArray) else values
    return plain if plain.type.equals(kind) else plain.cast(kind)
