"""Side by side with the open peers ``drt-core`` and ``dlt``: DuckDB → PostgreSQL, and → HTTP in batches of 100.

``python -m benchmarks peers --rows 300000``. A first run, then one in which 1 % of
the rows changed. The peers run from ``.venv/peers`` (``make bench`` makes it) at
their best settings; a line that cannot be run says why. Every figure is one run on
this machine, beside the engine's and the same work by hand within the same minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psycopg

from benchmarks import arrivals, data
from benchmarks.arrivals import Counts
from benchmarks.run import TABLE, child, services, sink
from benchmarks.setting import Setting

PEERS = Path(sys.prefix) / "peers" / "bin" / "python"
TABLES = {
    "bare": "bare_customers", "engine": "engine_customers", "drt": "drt_customers", "dlt": "dlt_bench.customers"
}  # fmt: skip
NAMES = {"bare": "by hand", "engine": "Headrace", "drt": "drt", "dlt": "dlt"}
KINDS = ("postgres", "http")
# The peers' way to notice what a cursor does not: all rows again, and the table held against them.
WHOLE = "whole"
PATIENCE = 300  # seconds for one line: a tool that hangs must not keep the others from being measured


@dataclass(frozen=True, kw_only=True)
class Line:
    """One measurement, or why there is none."""

    phase: str
    kind: str
    tool: str
    seconds: float = 0.0
    rss_mb: float = 0.0
    arrived: Counts | None = None
    failure: str = ""


def main(arguments: list[str] | None = None) -> None:
    """Measure and print one table; ``--json`` adds a file with all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--memory-mb", type=int, default=512)
    parser.add_argument("--database-url", default="", help="a PostgreSQL to use instead of one of our own")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder,
        services(options.database_url, folder) as url,
    ):
        setting = Setting(folder=folder, database_url=url, sink_port=0, memory_mb=options.memory_mb)
        lines, expected = measure(setting, options.rows)
    print(report(lines, expected, options.rows))
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=2))


def measure(setting: Setting, rows: int) -> tuple[list[Line], Counts]:
    """All lines, and how many rows of each kind the changed 1 % has."""
    with psycopg.connect(setting.database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS dlt_bench CASCADE; DROP SCHEMA IF EXISTS dlt_bench_staging CASCADE")
        for tool in ("bare", "engine", "drt"):
            connection.execute(TABLE.format(name=TABLES[tool]))
    data.create(setting.source, rows)
    lines = list(_phase(setting, "first", 1, {"rows": rows, "removed": 0}))
    expected = arrivals.change(setting.source)
    lines += _phase(setting, "1 %", 2, expected)
    lines += [_peer(setting, tool, "postgres", WHOLE, expected) for tool in ("drt", "dlt")]
    return lines, expected


def _phase(setting: Setting, phase: str, run_id: int, expected: Counts) -> Iterator[Line]:
    by_hand = child(setting, "bare", "diff", run_id)
    for kind in KINDS:
        for tool in ("bare", "engine"):
            kept = _kept(setting, tool, kind, phase)
            with sink(kept) as port:
                took = child(replace(setting, sink_port=port), tool, kind, run_id)
            seconds, rss = took["total"], took["rss_mb"]
            if tool == "bare":
                seconds, rss = seconds + by_hand["total"], max(rss, by_hand["rss_mb"])
            arrived = _arrived(setting, tool, kind, kept, expected)
            yield Line(phase=phase, kind=kind, tool=tool, seconds=seconds, rss_mb=rss, arrived=arrived)
        for tool in ("drt", "dlt"):
            yield _peer(setting, tool, kind, phase, expected)


def _peer(setting: Setting, tool: str, kind: str, phase: str, expected: Counts) -> Line:
    line = Line(phase=phase, kind=kind, tool=tool)
    if not PEERS.exists():
        return replace(line, failure=f"not run: there is no {PEERS.parent.parent}; make bench makes it")
    kept = _kept(setting, tool, kind, phase)
    with sink(kept) as port:
        said = json.dumps(asdict(replace(setting, sink_port=port)))
        # The peers' own environment: nothing of this one's, and the checkout for the module to run.
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parent.parent)}
        command = [str(PEERS), "-m", f"benchmarks.peer_{tool}", said, kind, phase]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            _end_statements(setting)
            return replace(line, failure=f"not run: it was not through after {PATIENCE} s")
    if done.returncode:
        print(f"{tool} {kind} {phase}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}", file=sys.stderr)
        return replace(line, failure=f"not run: {(done.stderr.strip() or done.stdout.strip()).splitlines()[-1][:120]}")
    took = json.loads(done.stdout.splitlines()[-1])
    print(f"{tool} {kind} {phase}: {took['total']:.2f} s, {took['rss_mb']:.0f} MB", file=sys.stderr)
    arrived = _arrived(setting, tool, kind, kept, expected)
    return replace(line, seconds=took["total"], rss_mb=took["rss_mb"], arrived=arrived)


def _end_statements(setting: Setting) -> None:
    """End what a tool that was stopped still runs in the database."""
    with psycopg.connect(setting.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'"
        )


def _kept(setting: Setting, tool: str, kind: str, phase: str) -> Path:
    return setting.place("kept") / f"{tool}-{kind}-{phase.replace(' %', '')}"


def _arrived(setting: Setting, tool: str, kind: str, kept: Path, expected: Counts) -> Counts:
    if kind == "postgres":
        return arrivals.in_table(setting.database_url, TABLES[tool], expected)
    counts = arrivals.in_requests(kept)
    kept.unlink()
    return counts


def report(lines: list[Line], expected: Counts, rows: int) -> str:
    """All lines as one table."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    said = [
        f"{rows:,} rows x {len(data.COLUMNS)} columns; load of this machine at the end: {load}",
        f"{'run':<18}{'tool':<10}{'rows/s':>10}{'seconds':>9}{'RSS MB':>8}{'rows there':>12}"
        f"{'changed':>14}{'quiet':>11}{'removed':>11}{'added':>11}",
    ]
    said += [_told(line, expected, rows) for line in lines]
    return "\n".join([*said, *NOTES])


NOTES = (
    "rows/s: rows of the source by seconds. rows there: what the table holds, or different rows in the requests.",
    "quiet: changed without a new cursor value. Noticed of all there were; in first runs there is nothing to notice.",
    "whole: drt's mirror mode and dlt's cdc strategy, which send all rows again, after their 1 % run;",
    "neither has one for HTTP. The peers' other runs read what is newer than the cursor.",
    "by hand: as in the engine section; HTTP bodies are encoded before the clock starts. Seconds are without imports.",
)


def _told(line: Line, expected: Counts, rows: int) -> str:
    name = f"{line.phase} {line.kind}"
    if line.arrived is None:
        return f"{name:<18}{NAMES[line.tool]:<10}  {line.failure}"
    told = (
        f"{name:<18}{NAMES[line.tool]:<10}{rows / line.seconds:>10,.0f}{line.seconds:>9.2f}{line.rss_mb:>8.0f}"
        f"{line.arrived['rows']:>12,}"
    )
    if line.phase == "first":
        return told
    of = {kind: f"{line.arrived[kind]:,}/{expected[kind]:,}" for kind in arrivals.KINDS}
    return told + f"{of['changed']:>14}{of['quiet']:>11}{of['removed']:>11}{of['added']:>11}"
