"""dlt's side of ``python -m benchmarks peers``: run with the Python of ``.venv/peers``, in a process of its own.

Arrow from DuckDB to parquet, ADBC into PostgreSQL; → HTTP a custom destination that
posts with a shared connection pool from as many threads as the others have requests open.
The cursor is compared by DuckDB, so that an incremental run reads only newer rows.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from benchmarks.memory import peak_mb
from benchmarks.setting import Setting

BATCH = 50_000
LOADERS = {"postgres": 2, "http": 8}
FILE_ROWS = {"postgres": 1_000_000, "http": BATCH}


def main() -> None:
    """Run the pipeline, print what it took as JSON."""
    setting = Setting(**json.loads(sys.argv[1]))
    kind, phase = sys.argv[2], sys.argv[3]
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "LOAD__WORKERS": str(LOADERS[kind]),
        "DATA_WRITER__FILE_MAX_ITEMS": str(FILE_ROWS[kind]),
        "DATA_WRITER__BUFFER_MAX_ITEMS": str(BATCH),
    }
    os.chdir(setting.place(f"dlt-{kind}"))
    import dlt  # type: ignore[import-not-found,unused-ignore]  # reads its settings from the environment

    began = time.perf_counter()
    pipeline = dlt.pipeline(
        pipeline_name=f"bench_{kind}",
        pipelines_dir="pipelines",
        destination=_postgres(setting) if kind == "postgres" else _http(setting),
        dataset_name="dlt_bench",
    )
    loaded = pipeline.run(_customers(setting, kind, phase), loader_file_format="parquet")
    loaded.raise_on_failed_jobs()
    total = time.perf_counter() - began
    print(json.dumps({"total": total, "rss_mb": peak_mb()}))


def _customers(setting: Setting, kind: str, phase: str) -> object:
    import dlt

    def all_rows() -> Iterator[pa.Table]:
        yield from _read(setting, None)

    def newer(cursor: object = dlt.sources.incremental("signed_up_at", range_start="open")) -> Iterator[pa.Table]:
        yield from _read(setting, cursor.last_value)  # type: ignore[attr-defined]

    return dlt.resource(
        all_rows if phase == "whole" else newer,
        name="customers",
        primary_key="id",
        write_disposition=_disposition(kind, phase),
    )


def _read(setting: Setting, since: object) -> Iterator[pa.Table]:
    with duckdb.connect(str(setting.source), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        where = "WHERE signed_up_at > $1" if since else ""
        found = connection.execute(f"SELECT * FROM customers {where}", [since] if since else [])
        for batch in found.to_arrow_reader(BATCH):
            yield pa.Table.from_batches([batch])


def _disposition(kind: str, phase: str) -> object:
    if kind == "http" or phase == "first":  # the first load is into an empty table: nothing to merge with
        return "append"
    if phase == "1 %":
        return {"disposition": "merge", "strategy": "upsert"}
    return {"disposition": "merge", "strategy": "cdc", "skip_unchanged_rows": True}


def _postgres(setting: Setting) -> object:
    import dlt

    return dlt.destinations.postgres(credentials=setting.database_url)


def _http(setting: Setting) -> object:
    import dlt
    import orjson
    import urllib3

    pool = urllib3.PoolManager(maxsize=LOADERS["http"])
    url = f"http://127.0.0.1:{setting.sink_port}/dlt"
    headers = {"Content-Type": "application/json"}

    def post(items: pa.Table, table: object) -> None:
        body = orjson.dumps(items.to_pylist(), default=str)
        answer = pool.request("POST", url, body=body, headers=headers)
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status}: {answer.data[:200]!r}")

    return dlt.destination(
        post,
        batch_size=setting.http_rows,
        loader_file_format="parquet",
        name="http",
        loader_parallelism_strategy="parallel",
        max_parallel_load_jobs=LOADERS["http"],
    )


if __name__ == "__main__":
    main()
