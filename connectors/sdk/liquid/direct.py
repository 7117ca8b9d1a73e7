"""Templates of nothing but text and outputs, as plain functions: many times faster than walking their tree.

Only what is plain is done here. A name that is not there, a value that a filter refuses or anything else out of the
ordinary raises, whatever it is, and the caller renders the template as usual: both ways always say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import Literal, Nil
from liquid.builtin.output import OutputNode
from liquid.expression import Expression

Read = Callable[[Mapping[str, Any]], Any]

# What these say of a value depends on more than its own keys.
_SPECIAL = frozenset({"size", "first", "last"})


class Unusual(Exception):
    """Something that only the whole engine knows how to treat."""


def direct(bound: BoundTemplate, environment: Environment) -> Sequence[str | Read] | None:
    """The template's parts in order: text, and functions that make a value of the variables.

    Nothing where it has tags, or outputs that are more than a value and its filters.
    """
    parts: list[str | Read] = []
    for node in bound.nodes:
        part = _part(node, environment)
        if part is None:
            return None
        parts.append(part)
    return parts


def _part(node: object, environment: Environment) -> str | Read | None:
    if isinstance(node, ContentNode):
        return node.text
    expression = node.expression if isinstance(node, OutputNode) else None
    if not isinstance(expression, FilteredExpression):
        return None
    read = _read(expression.left)
    for each in expression.filters or ():
        if read is None:
            return None
        read = _filtered(read, each, environment)
    return read


def _read(expression: Expression) -> Read | None:
    if isinstance(expression, Literal):
        constant = expression.value
        return lambda variables: constant
    if isinstance(expression, Nil):
        return lambda variables: None
    return _path(expression.path) if isinstance(expression, Path) else None


def _path(segments: Sequence[Any]) -> Read | None:
    if not all(isinstance(segment, str) and segment not in _SPECIAL for segment in segments):
        return None
    root, *steps = segments

    def read(variables: Mapping[str, Any]) -> Any:
        value = variables[root]
        for step in steps:
            if not isinstance(value, dict):
                raise Unusual
            value = value[step]
        return value

    return read


def _filtered(read: Read, applied: Filter, environment: Environment) -> Read | None:
    call: Any = environment.filters.get(applied.name)
    if call is None or getattr(call, "with_context", False) or getattr(call, "with_environment", False):
        return None
    given = [_read(argument.value) for argument in applied.args]
    names = [getattr(argument, "name", None) for argument in applied.args]
    if None in given or any(names):
        return None
    if not given:
        return lambda variables: call(read(variables))
    if len(given) == 1:
        (only,) = given
        return lambda variables: call(read(variables), only(variables))  # type: ignore[misc]
    return lambda variables: call(read(variables), *[each(variables) for each in given])  # type: ignore[misc]
