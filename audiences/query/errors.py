"""What can be wrong with a tree: typed, in plain words, with the place of the condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``path`` leads to the condition: ``("where", "conditions", 1)``.

    ``code`` is for programs: ``malformed``, ``unknown_column``, ``unknown_relationship``, ``unknown_trait``,
    ``unknown_audience``, ``unknown_list``, ``column_blocked``, ``operator_unfit``, ``operand_unfit``,
    ``unfinished``, ``blank``, ``too_deep``, ``too_many_values``, ``audience_loop``, ``trait_loop``, ``trait_sql``,
    ``wrong_model``, ``not_a_moment``, ``percentile_off``, ``not_single``, ``limit_unfit``.
    """

    path: Path
    code: str
    message: str

    @property
    def unfinished(self) -> bool:
        """Whether something is only left to fill in."""
        return self.code in {"unfinished", "blank"}

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer."""
        return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in self.path)


class InvalidTree(Exception):
    """A tree cannot be used; ``problems`` is everything that was found, in the order of the tree."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)


def refused(path: Path, code: str, message: str) -> InvalidTree:
    """One problem as an error."""
    return InvalidTree([Problem(path, code, message)])
