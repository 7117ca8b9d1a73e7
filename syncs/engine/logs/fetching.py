"""The rows of a run that was compared in the warehouse, fetched for the snapshot.

The changelog needs only the change set, which every run has here anyway; the
snapshot lists all rows, and those stayed there.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from connectors.sdk.planner import Statement, WarehouseSession, own_table
from syncs.engine.casting import Caster
from syncs.engine.duck import Check
from syncs.engine.recipe import KEY
from syncs.engine.spec import Baseline, Prepared, RunSpec
from syncs.engine.storage import Storage

_PRESENT = "_present"


def fetched(
    spec: RunSpec, prepared: Prepared, baseline: Baseline, session: WarehouseSession, storage: Storage, check: Check
) -> Prepared:
    """The same, with the files that the local planner would have left: the result, and what duplicated keys held."""
    spool = f"{spec.directory}/fetched-rows.parquet"
    names = [f"c{i}" for i in range(len(spec.columns))]
    query = _select([KEY, *names], baseline.plan)
    with session.query(query) as stream, storage.writing(spool) as place:
        caster = Caster(pa.schema(list(stream.schema)[1:]), spec.columns)
        fields = [(KEY, pa.string()), *((n, field.type) for n, field in zip(names, caster.schema, strict=True))]
        with pq.ParquetWriter(place, pa.schema(fields)) as writer:
            for batch in stream:
                check()
                cast = caster(batch.select(names))
                writer.write_batch(pa.RecordBatch.from_arrays([batch.column(0), *cast.columns], schema=writer.schema))
    carried = f"{spec.directory}/fetched-carried.parquet"
    duplicated = _select([KEY, _PRESENT], baseline.rejections).tree
    assert isinstance(duplicated, exp.Select)
    kept = session.rows(Statement(duplicated.where(exp.column("_reason", quoted=True).eq("duplicate"))))
    rows = pa.table({KEY: pa.array([row[0] for row in kept], pa.string()), _PRESENT: [bool(row[1]) for row in kept]})
    with storage.writing(carried) as place:
        pq.write_table(rows.cast(pa.schema([(KEY, pa.string()), (_PRESENT, pa.bool_())])), place)
    return replace(prepared, spool=spool, carried=carried)


def _select(columns: list[str], table: str) -> Statement:
    return Statement(exp.select(*(exp.column(name, quoted=True) for name in columns)).from_(own_table(table)))
