"""What one template may take for one row: the size of what filters make, and the time they have.

Loops and output are bounded by the engine. Filters are not: a short chain of them can multiply a value until it fills
the memory, so what they would make is reckoned before it is made where it can be far larger than what they are given.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from connectors.sdk.liquid.filters import MOST_CHARS, Refused, text_of

MOST_ITEMS = 1_000_000
_SMALL: set[type] = {type(None), bool, int, float}
# Some hundred times what the largest sensible template takes for one row.
TIME_LIMIT_S = 5.0


class _Clock(threading.local):
    until = float("inf")


_clock = _Clock()


def start_clock() -> None:
    """A row's template begins in this thread."""
    _clock.until = time.monotonic() + TIME_LIMIT_S


def check_clock() -> None:
    """Refuse what has taken too long."""
    if time.monotonic() > _clock.until:
        raise Refused(f"The template took longer than {TIME_LIMIT_S:g} seconds for one row.")


def bounded(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A filter within the limits."""
    reckon = _RECKONED.get(name)

    @wraps(call)
    def within(*values: Any, **options: Any) -> Any:
        check_clock()
        for value in values:
            if isinstance(value, range) and len(value) > MOST_ITEMS:
                raise Refused(f"A range has more than {MOST_ITEMS:,} numbers.")
        if reckon is not None:
            _check(reckon(*values))
        made = call(*values, **options)
        if isinstance(made, str):
            _check(len(made))
        elif isinstance(made, list):
            _check_list(made)
        return made

    return within


def unbounded(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A bounded filter for whole columns, which :func:`checked` looks at once they are made.

    Without its limits, except where they must be kept before anything is made.
    """
    return call if name in _RECKONED else call.__wrapped__  # type: ignore[attr-defined]


def checked(made: list[Any]) -> list[Any]:
    """What a filter made of a column, where all of it is within the limits of one row; refused otherwise."""
    check_clock()
    kinds = set(map(type, made))
    if kinds == {str}:
        _check(sum(map(len, made)))
        return made
    for value in made if not kinds <= _SMALL else ():
        if isinstance(value, str):
            _check(len(value))
        elif isinstance(value, list):
            _check_list(value)
    return made


def _check(chars: int) -> None:
    if chars > MOST_CHARS:
        raise Refused(f"The template makes a text of more than {MOST_CHARS:,} characters for one row.")


def _check_list(values: list[Any]) -> None:
    if len(values) > MOST_ITEMS:
        raise Refused(f"The template makes a list of more than {MOST_ITEMS:,} values for one row.")


def _replaced(value: Any = "", old: Any = "", new: Any = "", *_: Any) -> int:
    text, part = text_of(value), text_of(old)
    return text.count(part) * len(text_of(new))


def _joined(value: Any = None, between: Any = " ", *_: Any) -> int:
    return len(value) * len(text_of(between)) if isinstance(value, list | tuple | range) else 0


_RECKONED: dict[str, Callable[..., int]] = {"replace": _replaced, "join": _joined}
