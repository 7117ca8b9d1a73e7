"""The commonest filters for whole columns of text: just what the library's do, without a call of Python for each row.

Nulls are among the texts as the library takes them: as empty ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import add
from typing import Any

Column = Sequence[Any]
TextFilter = Callable[..., list[Any]]

_TEXT_OR_NULL = {str, type(None)}


def text_filter(name: str, arguments: int) -> TextFilter | None:
    """A filter for columns that :func:`fits` lets pass, the value's first; nothing for other filters."""
    found = _FILTERS.get(name)
    return found[1] if found is not None and found[0] == arguments else None


def fits(name: str, columns: Sequence[Column]) -> bool:
    """Whether a filter of this module may be given these columns."""
    value, *arguments = columns
    if not set(map(type, value)) <= _TEXT_OR_NULL:
        return False
    return name == "default" or all(set(map(type, argument)) == {str} for argument in arguments)


def _each(method: Callable[[str], str]) -> TextFilter:
    return lambda values: list(map(method, _texts(values)))


def _texts(values: Column) -> Column:
    return [value or "" for value in values] if None in values else values


def _default(values: Column, *instead: Column) -> list[Any]:
    return [value or other for value, other in zip(values, *instead, strict=True)]


_FILTERS: dict[str, tuple[int, TextFilter]] = {
    "append": (1, lambda values, after: list(map(add, _texts(values), after))),
    "capitalize": (0, _each(str.capitalize)),
    "default": (1, _default),
    "downcase": (0, _each(str.lower)),
    "lstrip": (0, _each(str.lstrip)),
    "prepend": (1, lambda values, before: list(map(add, before, _texts(values)))),
    "remove": (1, lambda values, part: [v.replace(p, "") for v, p in zip(_texts(values), part, strict=True)]),
    "rstrip": (0, _each(str.rstrip)),
    "strip": (0, _each(str.strip)),
    "upcase": (0, _each(str.upper)),
}
