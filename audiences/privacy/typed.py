"""Values in conditions: which of them name a person, and the conditions without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORGOTTEN = "forgotten"
_TESTS = ("test", "when")


@dataclass(frozen=True, slots=True)
class Sought:
    """The texts that name somebody anywhere, and the numbers that do so where they are compared with the column
    ``key``. Addresses are the same in any letter case."""

    texts: frozenset[str]
    key: str = ""
    numbers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Sought:
        """From what :attr:`plain` gave."""
        return cls(frozenset(plain["texts"]), plain["key"], frozenset(plain["numbers"]))

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"texts": sorted(self.texts), "key": self.key, "numbers": sorted(self.numbers)}

    def names(self, value: Any, column: str) -> bool:
        """Whether a value that is compared with a column means the person."""
        text = str(value)
        if text in self.texts or (column == self.key and text in self.numbers):
            return True
        return "@" in text and any(text.casefold() == each.casefold() for each in self.texts)


def without(tree: Any, sought: Sought, column: str = "") -> tuple[Any, int]:
    """Conditions without the values of a person, and how many there were.

    A condition goes on saying the same of everybody else: where the person was all that it asked for, it asks for
    :data:`FORGOTTEN`, or for the number 0, so that it neither breaks nor lets everybody in.
    """
    if isinstance(tree, list):
        made = [without(each, sought) for each in tree]
        return [each for each, _ in made], sum(count for _, count in made)
    if not isinstance(tree, dict):
        return tree, 0
    field = tree.get("field")
    about = str(field.get("column", "")) if isinstance(field, dict) else ""
    found, total = {}, 0
    for name, value in tree.items():
        if name == "values" and isinstance(value, list):
            found[name], count = _values(value, sought, column)
        else:
            found[name], count = without(value, sought, about if name in _TESTS else column)
        total += count
    return found, total


def _values(values: list[Any], sought: Sought, column: str) -> tuple[list[Any], int]:
    kept = [value for value in values if not sought.names(value, column)]
    count = len(values) - len(kept)
    if count and not kept:
        kept = [FORGOTTEN if isinstance(values[0], str) else 0]
    return kept, count
