"""What the schedule pages of syncs and sequences share: the words and times of a schedule being typed."""

from __future__ import annotations

from typing import Any

from django.forms import Form
from django.utils import timezone

from syncs.models import Sequence, Sync
from syncs.schedules import Schedule


def proposal(row: Sync | Sequence, schedule: Schedule | None, sentence: str, problem: str = "") -> dict[str, Any]:
    """What ``parts/outcome.html`` shows: the sentence and the next times, or what is wrong with what was typed."""
    last = row.last_run.created_at if row.last_run else None
    return {
        "outcome": sentence,
        "problem": problem,
        "proposed": schedule,
        "upcoming": schedule.upcoming(timezone.now(), last) if schedule else [],
    }


def first_problem(form: Form) -> str:
    """The first message of a form, in the order of its fields."""
    return next((str(form.errors[name][0]) for name in form.fields if name in form.errors), "")
