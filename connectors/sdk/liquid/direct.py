"""Templates of nothing but text and outputs, as plain functions of columns: many times faster than walking their tree.

Each part of such a template is made for many rows at once; one row is a column of one value. Only what is plain is done
here. A name that is not there, a value that a filter refuses or anything else out of the ordinary raises, whatever it
is, and the caller renders the template as usual: both ways always say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from liquid import BoundTemplate, Environment
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import Literal, Nil
from liquid.builtin.output import OutputNode
from liquid.expression import Expression

from connectors.sdk.liquid.limits import checked, unbounded
from connectors.sdk.liquid.texts import fits, text_filter

Column = Sequence[Any]

# What these say of a value depends on more than its own keys.
_SPECIAL = frozenset({"size", "first", "last"})


class Unusual(Exception):
    """Something that only the whole engine knows how to treat."""


class Rows(Protocol):
    """Where the paths of a template lead."""

    def __len__(self) -> int: ...

    def at(self, path: Sequence[str]) -> Column:
        """The value of each row; raises where some have none."""


Make = Callable[[Rows], Column]


@dataclass(frozen=True, slots=True)
class OneRow:
    """Variables of any kind, as for one row."""

    variables: Mapping[str, Any]

    def __len__(self) -> int:
        return 1

    def at(self, path: Sequence[str]) -> Column:
        return [_within(self.variables[path[0]], path[1:])]


@dataclass(frozen=True, slots=True)
class ManyRows:
    """Rows by their columns, with what the run says of itself."""

    columns: Mapping[str, Column]
    context: Mapping[str, Any]
    count: int

    def __len__(self) -> int:
        return self.count

    def at(self, path: Sequence[str]) -> Column:
        if path[0] == "context":
            return [_within(self.context, path[1:])] * self.count
        name, *steps = path[1:] if path[0] == "row" else path
        values = self.columns[name]
        return [_within(value, steps) for value in values] if steps else values

    def rows(self) -> list[dict[str, Any]]:
        """The rows one by one."""
        names = list(self.columns)
        if not names:
            return [{} for _ in range(self.count)]
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]


def _within(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if not isinstance(value, dict):
            raise Unusual
        value = value[step]
    return value


def direct(bound: BoundTemplate, environment: Environment) -> Sequence[str | Make] | None:
    """The template's parts in order: text, and functions that make the values of a column.

    Nothing where it has tags, or outputs that are more than a value and its filters.
    """
    parts: list[str | Make] = []
    for node in bound.nodes:
        part = _part(node, environment)
        if part is None:
            return None
        parts.append(part)
    return parts


def _part(node: object, environment: Environment) -> str | Make | None:
    if isinstance(node, ContentNode):
        return node.text
    expression = node.expression if isinstance(node, OutputNode) else None
    if not isinstance(expression, FilteredExpression):
        return None
    make = _read(expression.left)
    for each in expression.filters or ():
        if make is None:
            return None
        make = _filtered(make, each, environment)
    return make


def _read(expression: Expression) -> Make | None:
    if isinstance(expression, Literal):
        constant = expression.value
        return lambda rows: [constant] * len(rows)
    if isinstance(expression, Nil):
        return lambda rows: [None] * len(rows)
    path = expression.path if isinstance(expression, Path) else []
    if not path or not all(isinstance(segment, str) and segment not in _SPECIAL for segment in path):
        return None
    names = [str(segment) for segment in path]
    return lambda rows: rows.at(names)


def _filtered(make: Make, applied: Filter, environment: Environment) -> Make | None:
    call: Any = environment.filters.get(applied.name)
    if call is None or getattr(call, "with_context", False) or getattr(call, "with_environment", False):
        return None
    if any(getattr(argument, "name", None) for argument in applied.args):
        return None
    given = [_read(argument.value) for argument in applied.args]
    makes = [make, *(each for each in given if each is not None)]
    if len(makes) <= len(given):
        return None
    name = applied.name
    plain, quick = unbounded(name, call), text_filter(name, len(given))

    def column(rows: Rows) -> Column:
        columns = [each(rows) for each in makes]
        if quick is not None and fits(name, columns):
            return checked(quick(*columns))
        return checked(list(map(plain, *columns)))

    return column
