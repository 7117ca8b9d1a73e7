"""The catalogue of connector types, as lists and wizards show it.

Read from ``catalog.json``, which ``manage.py build_catalog`` generates from the
registry, so that no page imports drivers to draw a list. The declarations of a
type's settings are read from its class when a form needs them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from config.errors import Invalid
from connectors.choices import MODE_WORDS, Kind

_SHOWN = 3  # kinds of things that are sent, on a card
PATH = Path(__file__).with_name("catalog.json")

VERIFICATION_WORDS = {
    "server": ("Tested", "Tested against a real server."),
    "emulator": ("Emulator", "Tested against an emulator of the service, not the service itself."),
    "spec": ("Spec", "Checked against the vendor's machine-readable API description; not run against the service."),
    "docs": ("Docs", "Built from the vendor's documentation alone; not run against the service."),
}

SAMPLE_WORDS = "Made up on this installation; no other system is involved."
VERIFICATION_ICONS = {"server": "shield-check", "emulator": "flask-conical", "spec": "file-json", "docs": "book-open"}
# Part of a category's name → colour group of its tile.
TILES = {
    "warehouse": "warehouse",
    "database": "database",
    "file": "storage",
    "storage": "storage",
    "custom": "web",
    "web": "web",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One connector type. ``dialect``, ``methods`` and ``sample`` are of sources, ``sync_types`` of destinations.

    ``match_stats`` names those of them whose service tells whom it recognised.
    """

    kind: str
    key: str
    name: str
    category: str
    summary: str
    docs_url: str
    verification: str
    dialect: str = ""
    methods: tuple[str, ...] = ()
    write_planner: bool = False
    studio: bool = False
    needs_test: bool = True
    sample: bool = False
    sync_types: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    match_stats: tuple[str, ...] = ()
    lists_audiences: bool = False

    @property
    def verified_label(self) -> str:
        """The verification level in one word."""
        return VERIFICATION_WORDS[self.verification][0]

    @property
    def verified_words(self) -> str:
        """What that level means, so that nobody takes it for more."""
        return SAMPLE_WORDS if self.sample else VERIFICATION_WORDS[self.verification][1]

    @property
    def verified_icon(self) -> str:
        """The icon beside those words."""
        return "sparkles" if self.sample else VERIFICATION_ICONS[self.verification]

    @property
    def tile(self) -> str:
        """The colour group of the tile beside the name."""
        if self.sample:
            return "sample"
        words = self.category.lower()
        return next((tile for part, tile in TILES.items() if part in words), "marketing")

    @property
    def glance(self) -> tuple[str, ...]:
        """What it supports, in few words: what is sent and how, or what models of it can do."""
        if self.kind == Kind.SOURCE:
            offered = (("Customer Studio", self.studio), ("Planner in the warehouse", self.write_planner))
            return tuple(words for words, there in offered if there)
        sent = ", ".join(self.sync_types[:_SHOWN])
        more = len(self.sync_types) - _SHOWN
        modes = " · ".join(MODE_WORDS[mode] for mode in self.modes)
        told = (("Tells whom it recognised", bool(self.match_stats)), ("Lists its audiences", self.lists_audiences))
        more_words = tuple(words for words, there in told if there)
        return (f"{sent} and {more} more" if more > 0 else sent, modes, *more_words)


@dataclass(frozen=True, slots=True)
class Group:
    """A category of the catalogue with its types, as the wizard lists them."""

    name: str
    entries: tuple[Entry, ...]


def entries(kind: Kind) -> tuple[Entry, ...]:
    """Every type of one side, in the catalogue's order: by name, samples last."""
    return tuple(entry for entry in _all() if entry.kind == kind.value)


def entry(kind: Kind, key: str) -> Entry:
    """One type; an unknown key is the caller's mistake, answered with the field at fault."""
    for candidate in entries(kind):
        if candidate.key == key:
            return candidate
    raise Invalid.field("type", f"There is no {kind.value} type “{key}”.", hint=f"Known: {_known(kind)}.")


def known_entry(kind: Kind, key: str) -> Entry:
    """The type of a saved row, also when this installation no longer has it."""
    for candidate in entries(kind):
        if candidate.key == key:
            return candidate
    return Entry(kind.value, key, key, "", "This installation no longer has this connector.", "", "docs")


def categories(kind: Kind) -> list[str]:
    """The categories of one side by name."""
    return sorted({e.category for e in entries(kind)})


def groups(kind: Kind, search: str = "", *, within: Collection[str] = (), levels: Collection[str] = ()) -> list[Group]:
    """The types that match a search, by category; sample datasets at the end.

    ``within`` are categories and ``levels`` those of verification: of each, none stands for all.
    """
    found = [
        e
        for e in entries(kind)
        if _matches(e, search) and (not within or e.category in within) and (not levels or e.verification in levels)
    ]
    names = sorted({e.category for e in found if not e.sample}) + sorted({e.category for e in found if e.sample})
    return [Group(name, tuple(e for e in found if e.category == name)) for name in dict.fromkeys(names)]


def build() -> str:
    """The catalogue as JSON, from the classes the registry names."""
    from connectors.registry import DESTINATIONS, SOURCES, destination_class, source_class

    sources = [_of_source(source_class(key).definition) for key in SOURCES]
    destinations = [_of_destination(destination_class(key).definition) for key in DESTINATIONS]
    ordered = sorted([*sources, *destinations], key=lambda e: (e.kind, e.sample, e.name.lower()))
    return json.dumps([asdict(e) for e in ordered], indent=1, ensure_ascii=False) + "\n"


def _of_source(definition: Any) -> Entry:
    return Entry(
        **_common(Kind.SOURCE, definition),
        dialect=definition.dialect,
        methods=definition.methods,
        write_planner=definition.write_planner,
        studio=definition.studio,
        needs_test=definition.needs_test,
        sample=definition.sample,
    )


def _of_destination(definition: Any) -> Entry:
    modes = dict.fromkeys(spec.mode.value for t in definition.sync_types for spec in t.modes)
    return Entry(
        **_common(Kind.DESTINATION, definition),
        sync_types=tuple(t.name for t in definition.sync_types),
        modes=tuple(modes),
        match_stats=tuple(t.name for t in definition.sync_types if t.match_stats),
        lists_audiences=definition.lists_audiences,
    )


def _common(kind: Kind, definition: Any) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "verification": definition.verification.value,
        **{name: getattr(definition, name) for name in ("key", "name", "category", "summary", "docs_url")},
    }


@cache
def _all() -> tuple[Entry, ...]:
    return tuple(_read())


def _read() -> Iterator[Entry]:
    for values in json.loads(PATH.read_text(encoding="utf-8")):
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        yield Entry(**{**values, **lists})


def _matches(candidate: Entry, search: str) -> bool:
    text = f"{candidate.name} {candidate.category} {candidate.summary} {candidate.key}".lower()
    return all(word in text for word in search.lower().split())


def _known(kind: Kind) -> str:
    return ", ".join(e.key for e in entries(kind))
