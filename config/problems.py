"""How errors of the pure packages are answered by the REST API; the apps that know them register here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

E = TypeVar("E", bound=Exception)


@dataclass(frozen=True, slots=True)
class Problem:
    """An HTTP status and the fields of the API's one error shape."""

    status: int
    message: str
    code: str
    hint: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


_known: dict[type[Exception], Callable[[Any], Problem]] = {}


def register(kind: type[E], describe: Callable[[E], Problem]) -> None:
    """Say how errors of a class, and of those below it, are answered."""
    _known[kind] = describe


def problem_of(error: Exception) -> Problem | None:
    """The answer to an error; the closest registered class decides."""
    for kind in type(error).__mro__:
        if kind in _known:
            return _known[kind](error)
    return None
