"""The way from an audience to what a sync delivered, step by step: each number, and who was stopped before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audiences.query.layers import Layer
from syncs.models import MatchReport, Run

LABELS: Mapping[Layer, tuple[str, str]] = {
    Layer.AUDIENCE: ("Meet the conditions", ""),
    Layer.SUBSETS: ("In the audience's subsets", "outside of its subsets"),
    Layer.PRIORITY: ("Not in an audience before it", "in an audience higher in the priority list"),
    Layer.LIMIT: ("Within the limit", "beyond the limit"),
    Layer.SPLIT: ("In the groups of this sync", "in other groups of the experiment"),
    Layer.RULE: ("Let through by the destination's rules", "stopped by a rule of the destination"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One number: how many are left, out of how many, and what stopped the others. ``percent`` is of the first step."""

    key: str
    label: str
    left: int
    stopped: int = 0
    why: str = ""
    percent: int = 0


def layer_steps(counts: Mapping[str, int]) -> list[Step]:
    """The layers between the audience and the sync's query, from the counts of :func:`~.query.layers.waterfall`."""
    steps: list[Step] = []
    before = first = counts[Layer.AUDIENCE]
    for layer, (label, why) in LABELS.items():
        left = counts[layer]
        steps.append(Step(layer, label, left, before - left, why, round(100 * left / first) if first else 0))
        before = left
    return steps


def skipped(run: Run) -> int:
    """Rows that the run got and could not use."""
    return run.null_keys + run.duplicates + run.forgotten


def run_steps(run: Run, match: MatchReport | None = None) -> list[Step]:
    """What became of the rows that a run of the sync got, and whom the destination recognised."""
    lost, undelivered = skipped(run), run.planned - run.succeeded
    steps = [
        Step("queried", "Asked for by the run", run.queried),
        Step("keyed", "With a key of their own", run.queried - lost, lost, "without a key, twice there, or forgotten"),
        Step("planned", "To be added, changed or removed", run.planned),
        Step("delivered", "Accepted by the destination", run.succeeded, undelivered, "not delivered"),
    ]
    if match is not None and match.matched is not None:
        steps.append(Step("matched", "Recognised by the destination, about", match.matched))
    return steps
