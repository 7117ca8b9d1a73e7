"""Who holds data about people: apps register a holder at start-up, and cases ask all of them.

A holder knows where its app keeps rows, how one person is found there and how they are
erased. Every method is called inside a workspace's scope, by a worker that may die and be
followed by another one: whatever changes something must be safe to do again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.utils.module_loading import import_string

Check = Callable[[], None]
ANY_KEY, ANY_COLUMN = "", "*"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a case is about. ``scope`` is empty for any primary key, ``*`` for any column, or what a holder offers."""

    value: str
    scope: str = ANY_KEY


@dataclass(frozen=True, slots=True)
class Order:
    """An erasure: ``case_id`` names everything done for it, ``places`` are where the search found something.

    ``keys`` are those of the person's rows that it found there. ``remove_first`` asks for removals at the
    destinations, ``anyway`` to go on where those failed; ``resumed_at`` is when a person last asked for another try.
    """

    case_id: int
    subject: Subject
    places: tuple[int, ...] = ()
    keys: frozenset[str] = frozenset()
    remove_first: bool = False
    anyway: bool = False
    resumed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """A set of files or a table. ``deletable`` names it for :meth:`Holder.delete`; empty where it is needed."""

    label: str
    where: str
    why: str
    size: int | None = None
    rows: int | None = None
    since: Any = None
    kept: str = ""
    owner: str = ""
    url: str = ""
    deletable: str = ""


class Wait(Exception):
    """What is in the way of an erasure, in words; it is tried again in a moment."""


class Stuck(Exception):
    """An erasure cannot go on before a person decides; ``hint`` says about what."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Holder(ABC):
    """What an app does for cases. What few apps have, such as scopes or holdings, is empty unless they say so."""

    def scopes(self) -> Sequence[tuple[str, str]]:
        """Where people can be looked for besides any key and any column: value and label."""
        return ()

    @abstractmethod
    def places(self, subject: Subject) -> Sequence[int]:
        """What has to be searched."""

    @abstractmethod
    def find(self, place: int, subject: Subject, check: Check) -> Mapping[str, Any] | None:
        """What one place holds of the person, as JSON that :mod:`governance.privacy.findings` reads."""

    @abstractmethod
    def resources(self, place: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
        """(resource type, id) of the things whose audit entries say who decided on what was found."""

    def records(self, kind: str, pk: int) -> Iterable[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]:
        """Tables for the evidence about one thing: file name, columns, rows."""
        return ()

    @abstractmethod
    def begin(self, order: Order, check: Check) -> Mapping[str, Any]:
        """Take hold of everything that will change, and see to it that nothing adds the person again.

        What it returns is kept until the end and handed to the other methods. Raises :class:`Wait`.
        """

    def remove(self, order: Order, notes: Mapping[str, Any]) -> None:  # noqa: B027 - most have nothing to remove
        """Have the person removed where the data went, if asked to. Raises :class:`Wait`, :class:`Stuck`."""

    @abstractmethod
    def steps(self, order: Order, notes: Mapping[str, Any]) -> Sequence[str]:
        """What :meth:`erase` has to be called for, one after the other."""

    @abstractmethod
    def erase(self, order: Order, notes: Mapping[str, Any], step: str, check: Check) -> Sequence[Mapping[str, Any]]:
        """Erase in one place; lines for the report: ``what``, ``where``, ``count``."""

    @abstractmethod
    def texts(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Values of the person that may stand in other texts, such as audit entries."""

    def keys(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Keys of the person's rows, which may be short: audit entries are searched for them as row keys only."""
        return ()

    def end(self, order: Order, notes: Mapping[str, Any]) -> None:  # noqa: B027 - most hold nothing
        """Let go of everything."""

    def sources(self) -> Sequence[tuple[int, str]]:
        """Sources that data came from: id and name."""
        return ()

    def holdings(self, source_id: int | None) -> Sequence[Holding]:
        """What the app holds in this workspace, or of one source."""
        return ()

    def delete(self, actor: Any, deletable: str) -> str:
        """Delete something that :meth:`holdings` offered, by a service of its own; what was done, in words."""
        raise ValueError(deletable)


_holders: dict[str, str] = {}


def register(name: str, path: str) -> None:
    """Add a holder by the dotted path of its class, which is imported on first use.

    ``name`` keeps its notes apart from the others'.
    """
    if name in _holders:
        raise ValueError(f"the holder {name!r} is registered twice")
    _holders[name] = path


def holders() -> Mapping[str, Holder]:
    """Everybody who may hold people's data."""
    return {name: _opened(path) for name, path in _holders.items()}


@cache
def _opened(path: str) -> Holder:
    made: Holder = import_string(path)()
    return made
