"""One source and what answers it, as tests of sources ask it: see :mod:`stands`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.registry import source_class
from connectors.sdk.errors import ConnectorError
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType

Refusal = tuple[Mapping[str, Any], type[ConnectorError], str]
Value = tuple[str, ColumnType, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One source before something that answers it.

    ``server`` is the fixture that prepares it and gives the settings; the fixture's tables are those of
    ``seed``. ``values`` are expressions with the type that people see and the value that arrives.
    ``many`` gives ``{n}`` rows of one number ``i`` from 0, in order; ``slow`` runs for a minute;
    ``time_limit`` is the setting that stops it. ``writes`` must all be refused; ``table`` is what they
    would change. ``wrong`` are queries with words of the error; ``refusals`` changes of the settings.
    """

    key: str
    server: str
    make: Callable[..., Source] | None = None
    seed: tuple[str, ...] = ()
    schema: str = "public"
    hostile: tuple[str, ...] = ('c"; --', "Ünïcode 🌊")
    values: tuple[Value, ...]
    objects: tuple[tuple[str, Any], ...] = ()
    many: str
    slow: str = ""
    time_limit: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[str, ...]
    wrong: tuple[tuple[str, str], ...]
    refusals: tuple[Refusal, ...] = ()
    comments: bool = True  # whether it keeps what is said about columns
    quote: str = ""  # where names without it would be folded to capitals
    home: str = ""  # before names of tables, where there is no default schema
    odd: str = "ird; t"  # part of the name of the table with hostile names

    def named(self, name: str) -> str:
        """A name in small letters, as a query writes it."""
        return f"{self.quote}{name}{self.quote}"

    @property
    def people(self) -> str:
        """The table of ten people, as a query writes it."""
        return f"{self.home}{self.named('stand_people')}"

    def open(self, *given: Any) -> Source:
        """The source with these settings."""
        return (self.make or source_class(self.key))(*given)

    def __str__(self) -> str:
        return self.key
