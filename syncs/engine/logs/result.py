"""The model's rows of a run that was compared in the warehouse, fetched for its snapshot."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from connectors.sdk.planner import Statement, WarehouseSession, own_table
from syncs.engine.casting import Caster
from syncs.engine.duck import Check
from syncs.engine.logs.rows import BATCH_ROWS
from syncs.engine.parts import part_schema
from syncs.engine.recipe import KEY
from syncs.engine.spec import RunSpec
from syncs.engine.storage import Storage


def fetch_result(session: WarehouseSession, spec: RunSpec, plan: str, storage: Storage, check: Check) -> str:
    """Write the rows of a ``_plan`` table that have a key into the run's folder, as a spool holds them; its path."""
    path = f"{spec.directory}/result.parquet"
    names = [f"c{i}" for i in range(len(spec.columns))]
    key = exp.column(KEY, quoted=True)
    columns = [key, *(exp.column(name, quoted=True) for name in names)]
    query = exp.select(*columns).from_(own_table(plan)).where(exp.not_(exp.Is(this=key.copy(), expression=exp.null())))
    with session.query(Statement(query), batch_rows=BATCH_ROWS) as stream, storage.writing(path) as place:
        caster = Caster(pa.schema([stream.schema.field(name) for name in names]), spec.columns)
        fields = [pa.field(name, field.type) for name, field in zip(names, caster.schema, strict=True)]
        written = part_schema(pa.schema([(KEY, pa.string()), *fields]), caster.schema)
        with pq.ParquetWriter(place, written, compression="snappy") as writer:
            for batch in stream:
                check()
                cast = caster(pa.RecordBatch.from_arrays([batch.column(name) for name in names], names=names))
                keys = batch.column(KEY).cast(pa.string())
                writer.write_batch(pa.RecordBatch.from_arrays([keys, *cast.columns], schema=written))
    return path
