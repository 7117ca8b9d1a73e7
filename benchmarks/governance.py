"""People, access and the audit log in a large organization, against the same pages in a small one.

``python -m benchmarks governance``. Both sizes are built and measured in the same run. A page grows when it sends more
statements at the large size (a few come with a second page of rows), or takes longer than the aim and several times
what it takes at the small size.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.pages import AIM_MS, Line, measure

SMALL = {"workspaces": 4, "people": 40, "groups": 10, "entries": 2_000}
DATA = "benchmarks.governance_data"
PAGING = 2  # statements that a list sends once it has further pages
TIMES = 3.0  # what a page may take of its small size's time, when it misses the aim


@dataclass(frozen=True, slots=True)
class Pair:
    """One page at both sizes."""

    small: Line
    large: Line

    @property
    def grows(self) -> str:
        """What grows with the organization; empty where nothing does."""
        if self.large.statements > self.small.statements + PAGING:
            return "statements grow"
        slow = self.large.median > AIM_MS and self.large.median > TIMES * self.small.median
        return "time grows" if slow else ""


def main(arguments: list[str] | None = None) -> None:
    """Measure both sizes and print a table; ``--json`` adds a file with all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks governance", description=__doc__)
    parser.add_argument("--workspaces", type=int, default=200)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--groups", type=int, default=500)
    parser.add_argument("--entries", type=int, default=5_000_000, help="of the audit log")
    parser.add_argument("--rounds", type=int, default=7, help="times each page is asked for")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    large = {name: getattr(options, name) for name in SMALL}
    pairs = compare(large, options.rounds)
    print(report(pairs, large))
    if options.json:
        options.json.write_text(json.dumps([asdict(pair) for pair in pairs], indent=2))


def compare(large: dict[str, int], rounds: int) -> list[Pair]:
    """Every page at both sizes."""
    small = {(line.page, line.role): line for line in measure(SMALL, rounds, DATA)}
    return [Pair(small[line.page, line.role], line) for line in measure(large, rounds, DATA)]


def report(pairs: list[Pair], large: dict[str, int]) -> str:
    """The figures as a table."""
    table = [
        f"small: {_amounts(SMALL)}; large: {_amounts(large)}",
        f"{'page':<48}{'as':<8}{'statements':>12}{'median ms':>16}",
        f"{'':<56}{'small':>6}{'large':>6}{'small':>8}{'large':>8}",
    ]
    for pair in pairs:
        small, line = pair.small, pair.large
        table.append(
            f"{line.page:<48}{line.role:<8}{small.statements:>6}{line.statements:>6}"
            f"{small.median:>8.0f}{line.median:>8.0f}{'  ' + pair.grows if pair.grows else ''}"
        )
    held = sum(not pair.grows for pair in pairs)
    table.append(f"{held} of {len(pairs)} pages do not grow with the organization.")
    return "\n".join(table)


def _amounts(size: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in size.items())
