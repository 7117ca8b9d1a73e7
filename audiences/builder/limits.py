"""The limit of a definition: what the page shows of it, and how it is made to fit the schema.

A form sends it in the page's own words, which fitting turns into those of a :class:`~audiences.query.conditions.Limit`:
``of`` (``{"by": …}`` or ``{"trait": …}``), ``kind`` (``count`` or ``percent``) and ``size``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from audiences.builder.edits import Tree
from audiences.builder.offers import Choice, ChoiceGroup, Offers, Tested, via_of
from audiences.query.errors import Problem
from connectors.sdk.types import ColumnType

RANKED = (ColumnType.NUMBER, ColumnType.TIMESTAMP, ColumnType.DATE)
SIZES = {"count": 100, "percent": 10}


@dataclass(frozen=True, slots=True)
class LimitForm:
    """What can be chosen of a limit. ``size`` is what was typed, a number or not."""

    groups: tuple[ChoiceGroup, ...]
    chosen: str
    bottom: bool
    kind: str
    size: Any
    percents: bool
    problems: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    type: str = "limit"

    @property
    def gone(self) -> bool:
        """Whether what it goes by is not among the choices."""
        return all(choice.value != self.chosen for group in self.groups for choice in group.choices)


def fit_limit(tree: Tree, offers: Offers) -> None:
    """Bring a definition's limit into its shape, in place; without one, or where there is nothing to go by, it goes."""
    given = tree.pop("limit", None)
    if not isinstance(given, dict):
        return
    of = given["of"] if isinstance(given.get("of"), dict) else given
    by, trait = of.get("by"), of.get("trait")
    if isinstance(by, dict) and by.get("column"):
        ranked: Tree = {"by": _field(by)}
    elif isinstance(trait, str) and trait:
        ranked = {"trait": trait}
    elif first := next(_choices(offers), None):
        ranked = orjson.loads(first[1].value)
    else:
        return
    stored = "percent" if given.get("percent") is not None else "count"
    kind = given["kind"] if given.get("kind") in ("count", "percent") else stored
    if kind == "percent" and not _takes_percents(ranked, offers):
        kind = "count"
    size = given["size"] if "size" in given else given.get(kind)
    tree["limit"] = {**ranked, kind: SIZES[kind] if size is None else size}
    if given.get("bottom") is True:
        tree["limit"]["bottom"] = True


def limit_form(tree: Tree, offers: Offers, problems: Sequence[Problem]) -> LimitForm | None:
    """The form of a fitted definition's limit; ``None`` where it has none."""
    limit = tree.get("limit")
    if limit is None:
        return None
    kind = "percent" if "percent" in limit else "count"
    groups: dict[str, list[Choice]] = {}
    for heading, choice in _choices(offers):
        groups.setdefault(heading, []).append(choice)
    told = [problem.message for problem in problems if f"{problem.pointer}/".startswith("/limit/")]
    return LimitForm(
        groups=tuple(ChoiceGroup(heading, tuple(choices)) for heading, choices in groups.items()),
        chosen=_value(limit),
        bottom=limit.get("bottom") is True,
        kind=kind,
        size=limit[kind],
        percents=_takes_percents(limit, offers),
        problems=tuple(dict.fromkeys(told)),
    )


def can_limit(offers: Offers) -> bool:
    """Whether there is anything to go by."""
    return next(_choices(offers), None) is not None


def _choices(offers: Offers) -> Iterator[tuple[str, Choice]]:
    """What members can be ranked by, each with its heading."""
    for group in offers.fields():
        for choice in group.choices:
            if ColumnType(choice.kind) in RANKED:
                yield group.label, Choice(_value({"by": orjson.loads(choice.value)}), choice.label)
    for group in offers.traits():
        for choice in group.choices:
            tested = offers.tested_trait({"trait": choice.value})
            if tested is not None and tested.type in RANKED:
                yield group.label, Choice(_value({"trait": choice.value}), choice.label)


def _field(by: Tree) -> Tree:
    via = via_of(by)
    return {"column": str(by["column"]), **({"via": via} if via else {})}


def _value(limit: Tree) -> str:
    """What a limit goes by, as the value of a choice."""
    ranked = {"by": _field(limit["by"])} if "by" in limit else {"trait": limit.get("trait", "")}
    return orjson.dumps(ranked).decode()


def _takes_percents(limit: Tree, offers: Offers) -> bool:
    tested: Tested | None = offers.tested_field(limit["by"]) if "by" in limit else offers.tested_trait(limit)
    return tested is not None and tested.type is ColumnType.NUMBER and tested.suggested is None
