"""Forgotten rows leave a run's result in the warehouse before anything is compared.

The warehouse never learns the secret: keys are streamed here, and what is forgotten is
deleted by a table of keys that lives for that one statement. Where the baseline cannot
hold a forgotten row only keys that it does not know are streamed: those leave the
warehouse anyway, as additions.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from connectors.sdk.planner import create_columns
from syncs.engine.forgetting import Forgotten
from syncs.engine.recipe import KEY
from syncs.engine.warehouse.desk import Desk
from syncs.engine.warehouse.statements import SHARED_KEY, Base, Statements
from syncs.engine.warehouse.tables import FORGOTTEN, PLAN, Names

_SCHEMA = pa.schema([(KEY, pa.string())])


def leave_out(
    bench: Desk, statements: Statements, names: Names, base: Base | None, forgotten: Forgotten, *, keeps_one: bool
) -> None:
    """Delete forgotten rows from the run's plan."""
    plan = names(PLAN)
    known = None if forgotten.thorough else base
    keys: set[str] = set()
    with bench.stream(statements.plan_keys(plan, known, keeps_one=keeps_one)) as (_, batches):
        for batch in batches:
            keys.update(forgotten.among(batch.column(0).cast(pa.string()).to_pylist()))
    delete_keys(bench, statements, names(FORGOTTEN), {plan: SHARED_KEY if keeps_one else KEY}, sorted(keys))


def delete_keys(
    bench: Desk, statements: Statements, loaded: str, tables: dict[str, str], keys: Sequence[str]
) -> dict[str, int]:
    """Delete rows with these keys; ``tables`` says in which column each table has them. Rows deleted by table."""
    if not keys:
        return dict.fromkeys(tables, 0)
    bench.create(loaded, create_columns(loaded, {KEY: pa.string()}))
    try:
        batch = pa.RecordBatch.from_arrays([pa.array(keys, pa.string())], schema=_SCHEMA)
        bench.load(loaded, pa.RecordBatchReader.from_batches(_SCHEMA, [batch]))
        return {table: bench.execute(statements.delete_keys(table, loaded, column)) for table, column in tables.items()}
    finally:
        bench.drop(loaded)
