"""The audience builder's round trip: one condition changes, and the page is there again.

``python -m benchmarks builder``. The count in the warehouse is not part of it. The aim is under 100 ms of server time.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.pages import measure

AIM_MS = 100.0
DATA = "benchmarks.builder_data"


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table; ``--json`` adds a file with all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks builder", description=__doc__)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--audiences", type=int, default=500)
    parser.add_argument("--traits", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=25, help="times each page is asked for")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    size = {name: getattr(options, name) for name in ("models", "columns", "audiences", "traits")}
    lines = measure(size, options.rounds, DATA)
    print(", ".join(f"{number:,} {name}" for name, number in size.items()))
    print(f"{'builder':<36}{'statements':>10}{'CPU ms':>9}{'median ms':>11}{'p95':>6}")
    for line in lines:
        missed = "" if line.median < AIM_MS else "  misses the aim"
        figures = f"{line.statements:>10}{line.cpu:>9.0f}{line.median:>11.0f}{line.p95:>6.0f}"
        print(f"{line.page:<36}{figures}{missed}")
    if options.json:
        options.json.write_text(json.dumps([asdict(line) for line in lines], indent=2))
