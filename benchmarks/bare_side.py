"""The same work by hand, without any of the engine's promises: what the ratios are made against."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import duckdb
import orjson
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.data import COLUMNS
from benchmarks.setting import Setting

_PARQUET = "FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000"
_NAMES = ", ".join(COLUMNS)


def diff(setting: Setting, run_id: int) -> dict[str, float]:
    """Spool, key check, comparison and change files, all in one DuckDB."""
    place = setting.place("bare")
    began = time.perf_counter()
    connection = duckdb.connect(config={"memory_limit": f"{setting.memory_mb}MB", "threads": setting.threads})
    connection.execute(
        f"SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET temp_directory = '{place / 'temp'}'"
    )
    connection.execute(f"ATTACH '{setting.source}' AS source (READ_ONLY)")
    spool, before = place / f"spool-{run_id}.parquet", place / f"spool-{run_id - 1}.parquet"
    connection.execute(
        f"COPY (SELECT id::VARCHAR AS k, hash({_NAMES}) AS h, {_NAMES} FROM source.customers) TO '{spool}' ({_PARQUET})"
    )
    twice = connection.execute(
        f"SELECT count(*) FROM (SELECT k FROM '{spool}' GROUP BY k HAVING count(*) > 1)"
    ).fetchone()
    assert twice == (0,)
    _write_changes(connection, place, spool, before)
    connection.close()
    return {"total": time.perf_counter() - began}


def _write_changes(connection: duckdb.DuckDBPyConnection, place: Path, spool: Path, before: Path) -> None:
    changes = place / "changes"
    shutil.rmtree(changes, ignore_errors=True)
    changes.mkdir()
    if not before.exists():
        connection.execute(f"COPY (SELECT * FROM '{spool}') TO '{changes / 'added.parquet'}' ({_PARQUET})")
        return
    connection.execute(
        f"CREATE TEMP TABLE delta AS SELECT coalesce(n.k, b.k) AS k, "
        f"CASE WHEN b.k IS NULL THEN 'added' WHEN n.k IS NULL THEN 'removed' ELSE 'changed' END AS op "
        f"FROM (SELECT k, h FROM '{spool}') n FULL JOIN (SELECT k, h FROM '{before}') b USING (k) "
        f"WHERE n.k IS NULL OR b.k IS NULL OR n.h <> b.h"
    )
    for op, file in (("added", spool), ("removed", before)):
        connection.execute(
            f"COPY (SELECT s.* FROM '{file}' s JOIN delta USING (k) WHERE op = '{op}') "
            f"TO '{changes / (op + '.parquet')}' ({_PARQUET})"
        )
    old = ", ".join(f"b.{name} AS old_{name}" for name in COLUMNS)
    connection.execute(
        f"COPY (SELECT n.*, {old} FROM '{spool}' n JOIN delta USING (k) JOIN '{before}' b USING (k) "
        f"WHERE op = 'changed') "
        f"TO '{changes / 'changed.parquet'}' ({_PARQUET})"
    )


def postgres(setting: Setting) -> dict[str, float]:
    """COPY into a temporary table and INSERT … ON CONFLICT, a transaction a batch."""
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS if name != "id")
    began, began_cpu, sent = time.perf_counter(), time.process_time(), 0
    with psycopg.connect(setting.database_url) as connection:
        connection.execute("CREATE TEMP TABLE staging (LIKE bare_customers)")
        connection.commit()
        for operation, rows in _batches(setting, setting.postgres_rows):
            sent += rows.num_rows
            with connection.transaction():
                if operation == "removed":
                    connection.execute("DELETE FROM bare_customers WHERE id = ANY(%s)", [rows.column("id").to_pylist()])
                    continue
                connection.execute("TRUNCATE staging")
                with connection.cursor().copy(f"COPY staging ({_NAMES}) FROM STDIN (FORMAT csv)") as copy:
                    copy.write(_csv(rows))
                connection.execute(
                    f"INSERT INTO bare_customers ({_NAMES}) SELECT {_NAMES} FROM staging "
                    f"ON CONFLICT (id) DO UPDATE SET {updates}"
                )
    took = {"total": time.perf_counter() - began, "send_cpu": time.process_time() - began_cpu}
    return {**took, "sent": sent}


def http(setting: Setting) -> dict[str, float]:
    """Post bodies that were encoded before the clock starts."""
    bodies = [
        (operation, orjson.dumps([{**row, "revenue": str(row["revenue"])} for row in rows.to_pylist()]))
        for operation, rows in _batches(setting, setting.http_rows)
    ]
    began, began_cpu = time.perf_counter(), time.process_time()
    asyncio.run(_post(setting, iter(bodies)))
    took = {"total": time.perf_counter() - began, "send_cpu": time.process_time() - began_cpu}
    return {**took, "requests": len(bodies)}


async def _post(setting: Setting, bodies: Iterator[tuple[str, bytes]]) -> None:
    connector = aiohttp.TCPConnector(limit=setting.concurrency)
    headers = {"Content-Type": "application/json"}
    url = f"http://127.0.0.1:{setting.sink_port}/bare"

    async def work(session: aiohttp.ClientSession) -> None:
        for operation, body in bodies:
            async with session.post(f"{url}/{operation}", data=body, headers=headers) as response:
                await response.read()
                response.raise_for_status()

    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(setting.concurrency)))


def _batches(setting: Setting, size: int) -> Iterator[tuple[str, pa.RecordBatch]]:
    for operation in ("removed", "changed", "added"):
        file = setting.place("bare") / "changes" / f"{operation}.parquet"
        if file.exists():
            for rows in pq.ParquetFile(file).iter_batches(batch_size=size, columns=list(COLUMNS)):
                yield operation, rows


def _csv(rows: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(rows, sink, pa_csv.WriteOptions(include_header=False))
    return bytes(sink.getvalue())
