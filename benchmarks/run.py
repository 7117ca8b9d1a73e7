"""A first run and a 1 %-change run, DuckDB → PostgreSQL and → HTTP, beside the same by hand.

``python -m benchmarks.run --rows 1000000``. Every figure is one run on this
machine; ratios compare runs made within the same minutes.

Both sides send over asyncio's own event loop. uvloop in the delivering process took 3 % less processor time, too little
for one more compiled library; by hand it is plain aiohttp either way.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import psycopg

from benchmarks import data
from benchmarks.ports import free_port, wait_for
from benchmarks.setting import Setting
from config.embedded import EmbeddedServices

TABLE = """
DROP TABLE IF EXISTS {name};
CREATE TABLE {name} (
    id bigint PRIMARY KEY, email text, first_name text, last_name text, age integer, city text, plan text,
    revenue numeric(12, 2), score double precision, active boolean, signed_up_at timestamptz, born_on date
)
"""
Result = dict[str, float]
# What each kind of run is compared with: a template a row with bodies that were ready before, too.
BY_HAND = {"diff": "diff", "postgres": "postgres", "http": "http", "liquid": "http"}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table; ``--json`` adds a file with all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory-mb", type=int, default=512)
    parser.add_argument("--only", choices=["diff", "postgres", "http", "liquid"])
    parser.add_argument("--database-url", default="", help="a PostgreSQL to use instead of one of our own")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    kinds = [options.only] if options.only else ["diff", "postgres", "http", "liquid"]
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder,
        services(options.database_url, folder) as url,
        sink() as port,
    ):
        setting = Setting(folder=folder, database_url=url, sink_port=port, memory_mb=options.memory_mb)
        results = measure(setting, options.rows, kinds)
    print(report(results, options.rows))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


def measure(setting: Setting, rows: int, kinds: list[str]) -> dict[str, Result]:
    """All measurements, by name."""
    results: dict[str, Result] = {}
    with psycopg.connect(setting.database_url, autocommit=True) as connection:
        for name in ("engine_customers", "bare_customers"):
            connection.execute(TABLE.format(name=name))
    data.create(setting.source, rows)
    for run_id, phase in ((1, "first"), (2, "1 %")):
        if run_id == 2:
            data.change(setting.source)
        results[f"{phase} bare diff"] = child(setting, "bare", "diff", run_id)
        for kind in kinds:
            results[f"{phase} engine {kind}"] = child(setting, "engine", kind, run_id)
            by_hand = f"{phase} bare {BY_HAND[kind]}"
            if by_hand not in results:
                results[by_hand] = child(setting, "bare", BY_HAND[kind], run_id)
    return results


def report(results: dict[str, Result], rows: int) -> str:
    """The figures as a table."""
    lines = [
        f"{rows:,} rows x {len(data.COLUMNS)} columns",
        f"{'run':<16}{'rows/s':>10}{'seconds':>9}{'prepare':>9}{'deliver':>9}{'settle':>8}"
        f"{'RSS MB':>8}{'bare s':>8}{'ratio':>7}{'diff':>7}{'send':>7}{'CPU s':>8}{'bare':>7}{'send CPU':>10}",
    ]
    for name, engine in results.items():
        if " engine " not in name:
            continue
        phase, kind = name.split(" engine ")
        by_hand = [results[f"{phase} bare diff"]] + (
            [results[f"{phase} bare {BY_HAND[kind]}"]] if kind != "diff" else []
        )
        diff, send = by_hand[0]["total"], by_hand[-1]["total"] if kind != "diff" else 0.0
        bare = diff + send
        bare_cpu = sum(result["cpu"] for result in by_hand)
        lines.append(
            f"{phase + ' ' + kind:<16}{engine['queried'] / engine['total']:>10,.0f}{engine['total']:>9.2f}"
            f"{engine['prepare']:>9.2f}{engine['deliver']:>9.2f}{engine['settle']:>8.2f}{engine['rss_mb']:>8.0f}"
            f"{bare:>8.2f}{engine['total'] / bare:>7.2f}{engine['prepare'] / diff:>7.2f}"
            f"{engine['deliver'] / send if send else 0:>7.2f}{engine['cpu']:>8.2f}{bare_cpu:>7.2f}"
            f"{engine['send_cpu'] / by_hand[-1]['send_cpu'] if send else 0:>10.2f}"
        )
    lines += [
        "rows/s: queried rows by total time. ratio: total seconds by those by hand; diff, send: the two halves alone.",
        "CPU s: of the whole process, imports and Python's start included; by hand two processes.",
        "send CPU: of the sending alone, all threads, as a ratio: what other work on the machine does not change.",
        "By hand nothing is journaled, checked or kept for a debugger, and HTTP bodies are encoded beforehand.",
    ]
    return "\n".join(lines)


def child(setting: Setting, side: str, kind: str, run_id: int) -> Result:
    """One measurement of ``engine`` or ``bare`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.child", json.dumps(asdict(setting)), side, kind, str(run_id)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{side} {kind}: {done.stderr[-4000:]}")
    result: Result = json.loads(done.stdout.splitlines()[-1])
    print(f"{side} {kind} {run_id}: {result['total']:.2f} s, {result['rss_mb']:.0f} MB", file=sys.stderr)
    return result


@contextmanager
def services(database_url: str, folder: str) -> Iterator[str]:
    """A PostgreSQL for the time of the benchmark."""
    if database_url:
        yield database_url
        return
    Path(folder).chmod(0o711)  # root runs the server as another user, who must get through
    with EmbeddedServices(Path(folder) / "services", redis=False) as services:
        yield services.urls.acme_url


@contextmanager
def sink(keep: Path | None = None) -> Iterator[int]:
    """The HTTP server that syncs deliver to; ``keep`` is a file that gets every body, for a count afterwards."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(port), *([str(keep)] if keep else [])])
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    main()
