"""Every list page in a company with 1,000 syncs and 100,000 runs: SQL statements and server time.

``python -m benchmarks.pages``. Pages are asked for in the process, warm, one at a
time; the time is that of the whole answer, middleware and templates included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded import EmbeddedServices, Urls

AIM_STATEMENTS = 15  # a page stays under this
AIM_MS = 150.0  # and its median under this
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Line:
    """One page as one role sees it."""

    page: str
    role: str
    statements: int
    cpu: float
    median: float
    p95: float

    @property
    def within_aim(self) -> bool:
        """Whether it is quick and frugal enough."""
        return self.statements < AIM_STATEMENTS and self.median < AIM_MS


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table; ``--json`` adds a file with all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--syncs", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--audit-entries", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=15, help="times each page is asked for")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    size = {"syncs": options.syncs, "runs": options.runs, "audit_entries": options.audit_entries}
    lines = measure(size, options.rounds)
    print(report(lines, size))
    if options.json:
        options.json.write_text(json.dumps([line.__getstate__() for line in lines], indent=2))


def measure(size: dict[str, int], rounds: int, company: str = "benchmarks.pages_data") -> list[Line]:
    """Start a PostgreSQL and a Redis of our own, fill them with a company, and ask for every page."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        Path(folder).chmod(0o711)  # root runs the server as another user, who must get through
        with EmbeddedServices(Path(folder) / "services") as services:
            command = [sys.executable, "-m", "benchmarks.pages_side", company, json.dumps(size), str(rounds)]
            data_dir = Path(folder) / "data"
            (data_dir / "static").mkdir(parents=True)  # whitenoise warns where it is missing
            environment = _environment(services.urls, data_dir)
            done = subprocess.run(command, env=environment, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    return [Line(**figures) for figures in json.loads(done.stdout.splitlines()[-1])]


def report(lines: list[Line], size: dict[str, int]) -> str:
    """The figures as a table."""
    amounts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in size.items())
    table = [amounts, f"{'page':<36}{'as':<8}{'statements':>10}{'CPU ms':>9}{'median ms':>11}{'p95':>6}"]
    for line in lines:
        mark = "" if line.within_aim else "  misses the aim"
        table.append(
            f"{line.page:<36}{line.role:<8}{line.statements:>10}"
            f"{line.cpu:>9.0f}{line.median:>11.0f}{line.p95:>6.0f}{mark}"
        )
    within = sum(line.within_aim for line in lines)
    table += [
        f"{within} of {len(lines)} pages are under {AIM_STATEMENTS} statements and {AIM_MS:.0f} ms.",
        "CPU: of Python and the database's session together, which is what the page takes on an idle machine.",
        "statements: everything sent to the database, also what tells it the session's workspace.",
    ]
    return "\n".join(table)


def _environment(urls: Urls, data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    return kept | urls.env() | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HEADRACE_DATA_DIR": str(data_dir),
        "HEADRACE_OUTBOUND_ALLOW": ",".join(urls.acme_address()),
        "HEADRACE_API_RATE_LIMIT": "1000000/1s",
        "HEADRACE_LOG_LEVEL": "ERROR",
    }  # fmt: skip


if __name__ == "__main__":
    main()
