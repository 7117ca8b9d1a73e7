"""A plan as the review page draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.environments import selectors
from governance.environments.choices import Action
from governance.environments.planning import Item, Plan, Planned
from governance.environments.registry import Problem, Question, Thing, linkable
from workspaces.access import may

# Parts that are compared line by line, below the others.
TEXTS = ("Query",)
ACTION_TONES = {Action.CREATE: "good", Action.UPDATE: "warn", Action.UNCHANGED: "neutral"}
ACTION_WORDS = {Action.CREATE: "New there", Action.UPDATE: "Changes there", Action.UNCHANGED: "Up to date"}


@dataclass(frozen=True, slots=True)
class Fix:
    """A problem with the form that solves it: a thing to link, or one to deploy along."""

    problem: Problem
    link: Thing | None = None
    options: Sequence[Thing] = ()
    may_link: bool = False
    add: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the name of its input."""

    question: Question
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of a plan."""

    planned: Planned
    tone: str
    words: str
    fixes: Sequence[Fix]
    asked: Sequence[Asked]
    before: dict[str, Any]
    after: dict[str, Any]
    query_before: str
    query_after: str

    @property
    def query_changed(self) -> bool:
        """Whether the query is another one there."""
        return self.query_before != self.query_after


def review_of(plan: Plan) -> list[Line]:
    """Every thing of a plan, in order."""
    return [_line(plan, planned) for planned in plan.items]


def _line(plan: Plan, planned: Planned) -> Line:
    outlook = planned.outlook
    blocked = not planned.ready
    return Line(
        planned=planned,
        tone="bad" if blocked else ACTION_TONES[outlook.action],
        words="Blocked" if blocked else ACTION_WORDS[outlook.action],
        fixes=[_fix(plan, problem) for problem in outlook.problems],
        asked=[Asked(question, f"answer:{planned.item.key}:{question.path}") for question in outlook.questions],
        before={label: value for label, value in outlook.before.items() if label not in TEXTS},
        after={label: value for label, value in outlook.after.items() if label not in TEXTS},
        query_before=str(outlook.before.get("Query", "")),
        query_after=str(outlook.after.get("Query", "")),
    )


def _fix(plan: Plan, problem: Problem) -> Fix:
    if problem.need is None:
        return Fix(problem)
    thing = problem.need.thing
    if problem.need.deployable:
        return Fix(problem, add=Item(thing.kind, thing.pk).key)
    owner = linkable(thing.kind)
    if owner is None:
        return Fix(problem)
    with plan.source.scope():
        here = may(plan.source.actor, owner.permission)
    with plan.target.scope():
        allowed = here and may(plan.target.actor, owner.permission)
        found = owner.things(thing.type, [plan.target.workspace.pk])
    free = selectors.unlinked(thing.kind, found)
    return Fix(problem, link=thing, options=free, may_link=allowed)
