"""A run that waits for a person: why, since when, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.dispatch import Signal

from syncs.codec import load
from syncs.engine.guardrails import Breach
from syncs.models import Run

# Sent with ``run`` in the transaction that holds it: receivers enqueue, they do not wait.
run_held = Signal()


class Choice(StrEnum):
    """What becomes of a held change set."""

    RELEASED = "released"
    DROPPED = "dropped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided, when and why."""

    choice: Choice
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """``start`` are the parts that begin when the run is released: exactly those that were found."""

    since: datetime
    breaches: tuple[Breach, ...]
    start: tuple[int, ...] = ()
    decision: Decision | None = None

    @property
    def words(self) -> str:
        """Every reason, in sentences."""
        return " ".join(breach.words for breach in self.breaches)


def hold_of(run: Run) -> Hold | None:
    """The hold of a run that is or was held."""
    return load(Hold, run.hold) if run.hold else None
