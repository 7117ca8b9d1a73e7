"""What the snapshot needs of a run that was compared in the warehouse, fetched into the run's folder.

The changelog needs only the change set, which every run has here anyway; the
snapshot lists all rows, and those stayed there.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
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

_PRESENT = "_present"
_CARRIED = pa.schema([(KEY, pa.string()), (_PRESENT, pa.bool_())])


def fetch_result(session: WarehouseSession, spec: RunSpec, plan: str, storage: Storage, check: Check) -> str:
    """Write the rows of a ``_plan`` table that have a key, as a spool holds them; the file's path."""
    path = f"{spec.directory}/fetched-result.parquet"
    names = [f"c{i}" for i in range(len(spec.columns))]
    keyed = exp.not_(exp.Is(this=_column(KEY), expression=exp.null()))
    with session.query(_select([KEY, *names], plan, keyed), batch_rows=BATCH_ROWS) as stream:
        caster = Caster(pa.schema([stream.schema.field(name) for name in names]), spec.columns)
        fields = [pa.field(name, field.type) for name, field in zip(names, caster.schema, strict=True)]
        written = part_schema(pa.schema([(KEY, pa.string()), *fields]), caster.schema)
        with storage.writing(path) as place, pq.ParquetWriter(place, written, compression="snappy") as writer:
            for batch in stream:
                check()
                cast = caster(pa.RecordBatch.from_arrays([batch.column(name) for name in names], names=names))
                keys = batch.column(KEY).cast(pa.string())
                writer.write_batch(pa.RecordBatch.from_arrays([keys, *cast.columns], schema=written))
    return path


def fetch_carried(session: WarehouseSession, spec: RunSpec, rejections: str, storage: Storage, check: Check) -> str:
    """Write the keys that several rows share, with whether the destination holds them; the file's path."""
    path = f"{spec.directory}/fetched-carried.parquet"
    duplicated = _column("_reason").eq(exp.Literal.string("duplicate"))
    query = _select([KEY, _PRESENT], rejections, duplicated)
    with (
        session.query(query, batch_rows=BATCH_ROWS) as stream,
        storage.writing(path) as place,
        pq.ParquetWriter(place, _CARRIED) as writer,
    ):
        for batch in stream:
            check()
            present = pc.fill_null(pc.equal(batch.column(1).cast(pa.int64()), 1), False)
            keys = batch.column(0).cast(pa.string())
            writer.write_batch(pa.RecordBatch.from_arrays([keys, present], schema=_CARRIED))
    return path


def _select(columns: list[str], table: str, where: exp.Expr) -> Statement:
    return Statement(exp.select(*map(_column, columns)).from_(own_table(table)).where(where))


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)
