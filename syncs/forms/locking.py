"""Locks beside the fields of a sync's configuration: to be chosen for a template, or shown with why one is locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.sdk.destination import SyncType
from connectors.sdk.fields import Field, Section, Select
from syncs.locks import BEHAVIOUR, GUARDRAILS, OTHER_FIELDS, SCHEDULE, Locks, Whole, merged, parts_of

_SWITCHES = {
    OTHER_FIELDS: "Lock further fields",
    SCHEDULE: "Lock the schedule",
    GUARDRAILS: "Lock the guardrails",
}
LABELS = {"mode": "Mode", "removal": "When a row leaves the model", "first_run": "First run"}


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock beside one field. ``choosing`` lets a person turn it; else ``reason`` says why it is locked."""

    path: str
    label: str
    locked: bool
    choosing: bool
    reason: str = ""
    depends: str = ""

    @property
    def words(self) -> str:
        """What the switch says."""
        return _SWITCHES.get(self.path, "Lock this field")

    @property
    def id(self) -> str:
        """What its elements are called."""
        return "lock-" + "".join(c if c.isalnum() else "-" for c in self.path)


@dataclass(frozen=True, slots=True)
class Locking:
    """Which locks a form shows: those of a template that is edited (``locks`` is empty), or of a sync with one."""

    kind: SyncType
    open: frozenset[str] = frozenset()
    locks: Locks | None = None
    depends: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def choosing(cls, kind: SyncType, open_parts: Iterable[str]) -> Locking:
        """Locks that a person turns."""
        return cls(kind, frozenset(open_parts), None, dependencies(kind))

    @classmethod
    def shown(cls, kind: SyncType, locks: Locks) -> Locking:
        """Locks that a template set."""
        return cls(kind, locks.open, locks)

    def lock(self, path: str, label: str) -> Lock | None:
        """The lock of one part; nothing where it is open and nobody may close it."""
        locked = not self.is_open(path)
        if self.locks is None:
            return Lock(path, label, locked, choosing=True, depends=self.depends.get(path, ""))
        return Lock(path, label, True, choosing=False, reason=self.locks.reason) if locked else None

    def is_open(self, path: str) -> bool:
        """Whether a part may be changed on a sync."""
        return self.locks.is_open(path) if self.locks else path in self.open

    @property
    def settings(self) -> dict[str, Lock]:
        """The locks of the settings at the top, by name."""
        found = {each.name: self.lock(f"settings.{each.name}", each.label) for each in self.kind.settings}
        return {name: lock for name, lock in found.items() if lock is not None}

    @property
    def fixed(self) -> frozenset[str]:
        """The names of settings that cannot be changed here."""
        return frozenset() if self.locks is None else frozenset(self.settings)

    @property
    def may_be_blank(self) -> frozenset[str]:
        """The names of settings that a template may leave for each sync to say: those that it does not lock."""
        if self.locks is not None:
            return frozenset()
        return frozenset(each.name for each in self.kind.settings if self.is_open(f"settings.{each.name}"))

    @property
    def asked(self) -> frozenset[str]:
        """The names of settings that the template left for this sync to say."""
        blank = self.locks.blank if self.locks else ()
        return frozenset(each.name for each in self.kind.settings if f"settings.{each.name}" in blank)

    @property
    def behaviour(self) -> dict[str, Lock | None]:
        """The locks of mode, removal and first run."""
        return {name: self.lock(name, LABELS[name]) for name in BEHAVIOUR}

    @property
    def adding(self) -> bool:
        """Whether mappings to further fields may be added here."""
        return self.locks is None or self.is_open(OTHER_FIELDS)

    @property
    def others(self) -> Lock | None:
        """The lock on further mappings."""
        return self.lock(OTHER_FIELDS, "Further fields")

    @property
    def schedule(self) -> Lock | None:
        """The lock of the schedule."""
        return self.lock(SCHEDULE, "Schedule")

    @property
    def guardrails(self) -> Lock | None:
        """The lock of the guardrails."""
        return self.lock(GUARDRAILS, "Guardrails")

    def settle(self, values: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent, with everything that is locked as the template has it; ``rest`` is the rest of the state."""
        if self.locks is None:
            return dict(values)
        own = Whole({**rest, **values})
        kept = frozenset(path for path in (*parts_of(own), *self.open) if self.is_open(path))
        state = merged(self.locks, own, kept).state
        return {name: state[name] for name in values}


def chosen_open(sent: Any, lines: Iterable[Any]) -> list[str]:
    """The parts that a posted form leaves open: those whose lock was there and is not on."""
    locked = set(sent.getlist("locked"))
    parts = [path for path in sent.getlist("lockable") if path not in locked]
    for line in lines:
        mapping = line.mapping() if line.is_valid() else None
        if mapping and not line.cleaned_data.get("locked"):
            parts.append(f"mappings.{mapping['to']}")
    return list(dict.fromkeys(parts))


def dependencies(kind: SyncType) -> dict[str, str]:
    """Which other fields a field depends on, in words, by path: what has to be unlocked together."""
    labels = {declared.name: declared.label for declared in kind.settings}
    found = {f"settings.{each.name}": _depends(each, labels) for each in kind.settings}
    pickers = [each.label for each in kind.settings if isinstance(each, Select) and each.discover and each.required]
    if len(kind.modes) > 1:
        found["removal"] = "Depends on Mode."
    if kind.mapping and pickers:
        found[OTHER_FIELDS] = f"Depends on {' and '.join(pickers)}."
    return {path: words for path, words in found.items() if words}


def _depends(declared: Field, labels: Mapping[str, str]) -> str:
    names = list(_named(declared, labels))
    return f"Depends on {' and '.join(labels[name] for name in names)}." if names else ""


def _named(declared: Field, labels: Mapping[str, str]) -> Sequence[str]:
    asked = [declared.when.field] if declared.when else []
    if isinstance(declared, Select):
        asked += declared.depends
    if isinstance(declared, Section):
        for inner in declared.fields:
            asked += _named(inner, labels)
    return [name for name in dict.fromkeys(asked) if name in labels and name != declared.name]
