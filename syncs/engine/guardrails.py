"""When a run is held for a person to look at before anything is sent.

Pure arithmetic over what a run has found: :func:`breaches` compares it with the
limits of its sync. Who releases or drops a held run is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from connectors.sdk.destination import Mode

if TYPE_CHECKING:
    from syncs.engine.spec import Baseline, Prepared, RunSpec


class Rule(StrEnum):
    """What a guardrail looks at."""

    BASELINE = "baseline"
    EMPTY = "empty"
    REMOVED_PERCENT = "removed_percent"
    CHANGED_PERCENT = "changed_percent"
    REMOVED_ROWS = "removed_rows"
    CHANGED_ROWS = "changed_rows"
    ADDED_ROWS = "added_rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """The limits of one sync; ``None`` means no limit. Percentages are of the rows known before.

    ``empty`` holds a run whose query returns no rows although there were some before.
    Removals and changes count where they are sent, without those due from earlier runs.
    """

    on: bool = True
    empty: bool = True
    removed_percent: float | None = 20.0
    changed_percent: float | None = None
    removed_rows: int | None = None
    changed_rows: int | None = None
    added_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit that a run goes beyond. ``rows`` of ``known`` is what was found; ``limit`` is what is allowed."""

    rule: Rule
    rows: int
    known: int
    limit: float

    @property
    def words(self) -> str:
        """What was found against what is allowed, in one sentence."""
        if self.rule is Rule.BASELINE:
            return (
                "What this sync compares with is missing from the storage, so what changed cannot be told: "
                f"{_rows(self.rows)} would be sent again, and rows that left the model meanwhile would stay there."
            )
        if self.rule is Rule.EMPTY:
            return f"The query returned no rows, and {_rows(self.known)} {_were(self.known)} known from before."
        verb = {"removed": "removed", "changed": "changed", "added": "added"}[self.rule.partition("_")[0]]
        if self.rule in (Rule.REMOVED_PERCENT, Rule.CHANGED_PERCENT):
            share = f"{percent(self.rows, self.known)} of the {_rows(self.known)} known from before"
            return f"{_rows(self.rows)} would be {verb}: {share}. The limit is {self.limit:g} %."
        return f"{_rows(self.rows)} would be {verb}. The limit is {_rows(int(self.limit))}."


def breaches(spec: RunSpec, baseline: Baseline | None, prepared: Prepared) -> tuple[Breach, ...]:
    """The limits that this change set goes beyond.

    First runs, resyncs and resets that people asked for are held only where the
    query returns nothing at all; a retry of rows that were let through before never is.
    Where the baseline's files are gone, a run is always held, whatever the limits.
    """
    if prepared.lost and baseline is not None and prepared.planned.total:
        return (Breach(rule=Rule.BASELINE, rows=prepared.planned.total, known=baseline.rows, limit=0),)
    limits = spec.guardrails
    if not limits.on or baseline is None or spec.only_unsettled:
        return ()
    known = prepared.known if prepared.known is not None else baseline.rows
    found = []
    if limits.empty and known and prepared.queried == prepared.null_keys:
        found.append(Breach(rule=Rule.EMPTY, rows=0, known=known, limit=0))
    if not (spec.resync or spec.reset):
        found += _beyond(limits, known, removed=_removed(spec, prepared, known), prepared=prepared)
    return tuple(found)


def _beyond(limits: Guardrails, known: int, *, removed: int, prepared: Prepared) -> list[Breach]:
    changed, added = prepared.planned.changed, prepared.planned.added
    shares = (
        (Rule.REMOVED_PERCENT, removed, limits.removed_percent),
        (Rule.CHANGED_PERCENT, changed, limits.changed_percent),
    )
    counts = (
        (Rule.REMOVED_ROWS, removed, limits.removed_rows),
        (Rule.CHANGED_ROWS, changed, limits.changed_rows),
        (Rule.ADDED_ROWS, added, limits.added_rows),
    )
    by_share = [
        Breach(rule=rule, rows=rows, known=known, limit=limit)
        for rule, rows, limit in shares
        if limit is not None and known and 100 * rows > limit * known
    ]
    by_count = [
        Breach(rule=rule, rows=rows, known=known, limit=limit)
        for rule, rows, limit in counts
        if limit is not None and rows > limit
    ]
    return by_share + by_count


def _removed(spec: RunSpec, prepared: Prepared, known: int) -> int:
    """Rows that newly leave the destination. A mirror's result that shrank takes the missing rows with it."""
    if spec.mode is Mode.ALL:
        return max(0, known - prepared.keyed - prepared.duplicates)
    return max(0, prepared.planned.removed - prepared.removed_again)


def percent(rows: int, known: int) -> str:
    """A share for people, exact enough to tell it from a limit next to it."""
    share = 100 * rows / known if known else 100.0
    return f"{round(share, 1):g} %" if round(share, 1) else "less than 0.1 %"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
