"""What a calculation found, as far as somebody may see it, for pages and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from audiences import access
from audiences.answers import without_small_groups
from audiences.choices import CalculationKind, CalculationState
from audiences.measures import CALCULATIONS
from audiences.models import Audience, Calculation
from audiences.query.insights import Calculation as Calculated
from governance.audit.actors import Actor


def answer_for(actor: Actor, calculation: Calculation) -> Mapping[str, Any]:
    """The answer of a calculation that is ready, without what this person may not know; empty before."""
    if calculation.state != CalculationState.READY:
        return {}
    found: Mapping[str, Any] = calculation.counts
    if calculation.kind == CalculationKind.BREAKDOWN and not access.may_view_rows(actor, calculation.parent_model):
        return without_small_groups(found)
    if calculation.kind == CalculationKind.OVERLAP:
        wanted = [each["id"] for each in found["others"]]
        seen = access.audiences_in_view(actor).filter(pk__in=wanted).values_list("pk", flat=True)
        known = {str(pk) for pk in seen}
        return {"others": [each for each in found["others"] if each["id"] in known]}
    return found


@dataclass(frozen=True, slots=True)
class Shared:
    """Whom an audience shares with another one. Shares are of 1; nothing where an audience is empty."""

    name: str
    id: str
    both: int
    only_this: int
    only_other: int
    made_of: tuple[tuple[str, str], ...]

    @property
    def of_this(self) -> float | None:
        """How much of this audience is in the other one, too."""
        return _share(self.both, self.both + self.only_this)

    @property
    def of_other(self) -> float | None:
        """How much of the other audience is in this one, too."""
        return _share(self.both, self.both + self.only_other)

    @property
    def other(self) -> int:
        """How large the other audience is."""
        return self.both + self.only_other


def overlap_rows(answer: Mapping[str, Any], audience: Audience | None) -> list[Shared]:
    """The answer to a comparison, with definitions of what can be made of it where both are saved."""
    return [
        Shared(
            each["name"],
            each["id"],
            each["both"],
            each["only_this"],
            each["only_other"],
            _made_of(str(audience.pk), each["id"]) if audience else (),
        )
        for each in answer.get("others", ())
    ]


def overlap_chart(rows: list[Shared]) -> dict[str, Any]:
    """One lying bar for each other audience."""
    parts = [("Only this audience", "only_this"), ("In both", "both"), ("Only the other", "only_other")]
    series = [{"name": name, "data": [getattr(row, part) for row in rows]} for name, part in parts]
    return {"labels": [row.name for row in rows], "series": series}


def _made_of(this: str, other: str) -> tuple[tuple[str, str], ...]:
    """What somebody would want to build of two audiences: what it is called, and its definition as JSON."""
    return (
        ("In both", _joined("all", (this, True), (other, True))),
        ("Only in this", _joined("all", (this, True), (other, False))),
        ("Only in the other", _joined("all", (this, False), (other, True))),
        ("In one of them", _joined("any", (this, True), (other, True))),
    )


def _joined(match: str, *parts: tuple[str, bool]) -> str:
    conditions = [{"type": "audience", "audience": pk, "member": member} for pk, member in parts]
    return orjson.dumps({"where": {"type": "group", "match": match, "conditions": conditions}}).decode()


@dataclass(frozen=True, slots=True)
class Part:
    """One group of a breakdown; ``share`` is of all members."""

    label: str
    members: int
    value: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A breakdown in the order in which it is read: numbers and times by value, everything else by size."""

    title: str
    parts: tuple[Part, ...]
    members: int
    others: int
    few: int
    value_title: str
    ranked: bool

    @property
    def chart(self) -> dict[str, Any]:
        """Bars of what was calculated, or of members."""
        calculated = bool(self.value_title)
        data = [part.value if calculated else part.members for part in self.parts]
        return {"labels": [part.label for part in self.parts], "series": [{"name": self.measured, "data": data}]}

    @property
    def measured(self) -> str:
        """What the bars are of."""
        return self.value_title or "Members"

    @property
    def kind(self) -> str:
        """The kind of chart."""
        return "ranked" if self.ranked else "bar"


def breakdown_shown(answer: Mapping[str, Any]) -> Breakdown | None:
    """The answer to a breakdown, as the page shows it."""
    if not answer:
        return None
    groups = answer["groups"] if answer["ranked"] else _ordered(answer)
    calculated = answer["calculation"] != Calculated.COUNT
    parts = [
        Part(
            each["label"],
            each["members"],
            each["value"] if calculated else None,
            _share(each["members"], answer["members"]),
        )
        for each in groups
    ]
    words = f"{CALCULATIONS[Calculated(answer['calculation'])].capitalize()} of {answer['measure']}"
    return Breakdown(
        title=answer["title"],
        parts=tuple(parts),
        members=answer["members"],
        others=answer["members"] - sum(part.members for part in parts),
        few=answer.get("few", 0),
        value_title=words if calculated else "",
        ranked=answer["ranked"],
    )


def _ordered(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    known = [each for each in answer["groups"] if each["order"] is not None]
    return [*sorted(known, key=lambda each: each["order"]), *[e for e in answer["groups"] if e["order"] is None]]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
