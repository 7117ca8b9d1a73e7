"""drt's side of ``python -m benchmarks peers``: run with the Python of ``.venv/peers``, in a process of its own.

The whole of a project as its documentation describes it: a profile, a project file
and one sync, then ``drt run``. Batches of 10,000 rows, no rate limit, nothing retried.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import yaml  # type: ignore[import-untyped,unused-ignore]

from benchmarks.memory import peak_mb
from benchmarks.setting import Setting

BATCH = 10_000
UNLIMITED = {"requests_per_second": 10_000_000}


def main() -> None:
    """Write the project, run it, print what it took as JSON."""
    setting = Setting(**json.loads(sys.argv[1]))
    kind, phase = sys.argv[2], sys.argv[3]
    place = setting.place(f"drt-{kind}")
    os.environ |= {"HOME": str(place), "TZ": "UTC", "DO_NOT_TRACK": "1", "PEER_DATABASE_URL": setting.database_url}
    time.tzset()
    os.chdir(place)
    _write(place / ".drt" / "profiles.yml", {"bench": _profile(setting)})
    _write(place / "drt_project.yml", {"name": "bench", "profile": "bench"})
    _write(place / "syncs" / "customers.yml", _sync(setting, kind, phase))
    from drt.cli.main import app  # reads HOME when it is imported

    began = time.perf_counter()
    try:
        app(["run", "--select", "customers", "--output", "json"], standalone_mode=False)
    except SystemExit as left:
        if left.code:
            raise
    total = time.perf_counter() - began
    print(json.dumps({"total": total, "rss_mb": peak_mb()}))


def _profile(setting: Setting) -> dict[str, object]:
    return {"type": "duckdb", "database": str(setting.source), "fetch_size": BATCH}


def _sync(setting: Setting, kind: str, phase: str) -> dict[str, object]:
    options: dict[str, object] = {"batch_size": BATCH, "rate_limit": UNLIMITED, "on_error": "fail"}
    if phase == "whole":
        options["mode"] = "mirror"
    else:
        options |= {"mode": "incremental", "cursor_field": "signed_up_at"}
    destination = _table() if kind == "postgres" else _requests(setting)
    return {"name": "customers", "model": "ref('customers')", "destination": destination, "sync": options}


def _table() -> dict[str, object]:
    return {
        "type": "postgres",
        "connection_string_env": "PEER_DATABASE_URL",
        "table": "public.drt_customers",
        "upsert_key": ["id"],
    }


def _requests(setting: Setting) -> dict[str, object]:
    return {
        "type": "rest_api",
        "url": f"http://127.0.0.1:{setting.sink_port}/drt",
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body_mode": "batch",
        "batch_template": "{{ rows | tojson_safe }}",
        "max_records_per_request": setting.http_rows,
    }


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


if __name__ == "__main__":
    main()
