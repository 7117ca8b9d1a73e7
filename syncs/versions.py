"""Earlier versions of models and syncs, worked out from the audit log.

An entry holds what stood before it. So what was live after any entry is what is live now, with everything undone that
later entries changed, newest first. A version has the shape of a draft's state (see ``drafts/state.py``): what needs
approval where changes do. Names, labels and places are no part of it, credentials are in no entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.errors import NotFound
from governance.approvals.registry import Part
from governance.audit.masking import MASK
from governance.audit.models import AuditEntry
from governance.audit.services.redacting import ERASED
from governance.selectors import activity_of
from syncs.drafts import MODEL, SYNC
from syncs.drafts.showing import model_parts, sync_parts
from syncs.drafts.state import CONFIGURATION, SCHEDULE, model_state, sync_state
from syncs.models import Model, Sync

State = dict[str, Any]
MOST = 200
CREATED = (".created", ".deployed")
EVENTS = {
    MODEL: ("model.created", "model.updated", "model.deployed", "model.column_changed"),
    SYNC: ("sync.created", "sync.updated", "sync.deployed", "sync.scheduled", "sync.guardrails_changed"),
}
ELSEWHERE = "It belonged to another model or destination then."
GONE = "A person's values were erased from it."


@dataclass(frozen=True, slots=True)
class Version:
    """What was live after one entry. ``obstacle`` says why it cannot be restored, ``kept`` what stays as it is now."""

    entry: AuditEntry
    state: State
    parts: tuple[str, ...] = ()
    obstacle: str = ""
    kept: tuple[str, ...] = field(default=())
    current: bool = False


@dataclass(slots=True)
class _Walk:
    """The state before the entries seen so far."""

    state: State
    obstacle: str = ""
    kept: set[str] = field(default_factory=set)


def versions_of(row: Model | Sync) -> list[Version]:
    """The versions that the log knows, newest first: at most those of the last 200 changes."""
    return list(_versions(row))


def version_of(row: Model | Sync, entry_id: int) -> Version:
    """One of them, by its entry."""
    for version in _versions(row):
        if version.entry.pk == entry_id:
            return version
    raise NotFound("There is no such version here, or the audit log no longer has it.")


def parts_between(row: Model | Sync, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Part]:
    """What differs between two states, as people read it."""
    if isinstance(row, Model):
        return model_parts(before, after)
    return sync_parts(row.destination, before, after, resealed=False)


def live_state(row: Model | Sync) -> State:
    """What is live now."""
    return model_state(row) if isinstance(row, Model) else sync_state(row)


def _versions(row: Model | Sync) -> Iterator[Version]:
    kind = MODEL if isinstance(row, Model) else SYNC
    live = live_state(row)
    walk, undo = _Walk(dict(live)), _undo_model if kind == MODEL else _undo_sync
    newest = True
    for entry in activity_of(kind, row).filter(event__in=EVENTS[kind]).order_by("-pk")[:MOST]:
        after = walk.state
        first = entry.event.endswith(CREATED) and all(value is None for value in (entry.before or {}).values())
        state, obstacle, kept = _readable(after, live, walk)
        if not first:
            undo(walk, entry.before or {}, entry.event)
        if first or walk.state != after or walk.obstacle != obstacle:
            parts = () if first else _labels(row, walk.state, after)
            yield Version(entry, state, parts, obstacle, kept, current=newest)
            newest = False
        if first:
            return


def _readable(state: State, live: State, walk: _Walk) -> tuple[State, str, tuple[str, ...]]:
    """A state that can be put back: what the log masked is as it is now, and what it lost stays so."""
    state, kept = {**state}, set(walk.kept)
    if "Schedule" in kept:
        state |= {name: live[name] for name in SCHEDULE}
    settings = state.get("settings") or {}
    masked = [name for name, value in settings.items() if MASK in repr(value)]
    if masked:
        today = live["settings"]
        state["settings"] = {n: v for n, v in settings.items() if n not in masked} | {
            name: today[name] for name in masked if name in today
        }
        kept |= set(masked)
    obstacle = walk.obstacle or (GONE if ERASED in repr(state) else "")
    return state, obstacle, tuple(sorted(kept))


def _undo_model(walk: _Walk, before: Mapping[str, Any], event: str) -> None:
    if event == "model.column_changed":
        walk.state = _undo_column(walk.state, before)
        return
    walk.state = {**walk.state, **{name: before[name] for name in walk.state if name in before}}


def _undo_column(state: State, before: Mapping[str, Any]) -> State:
    """Casts and switches without one column's change."""
    name, casts, off = before.get("column", ""), dict(state["casts"]), set(state["off"])
    if "override_type" in before:
        casts.pop(name, None)
        casts |= {name: before["override_type"]} if before["override_type"] else {}
    if "enabled" in before:
        off = off - {name} if before["enabled"] else off | {name}
    return {**state, "casts": casts, "off": sorted(off)}


def _undo_sync(walk: _Walk, before: Mapping[str, Any], event: str) -> None:
    if event == "sync.guardrails_changed":
        walk.state = {**walk.state, "guardrails": dict(before)}
        return
    undone = {name: before[name] for name in (*CONFIGURATION, "guardrails") if name in before}
    walk.state = {**walk.state, **undone, **before.get("timing", {})}
    if "schedule" in before and "timing" not in before:
        walk.kept.add("Schedule")  # an entry from before schedules were kept in full
    if "destination" in before or "model" in before:
        walk.obstacle = ELSEWHERE


def _labels(row: Model | Sync, before: State, after: State) -> tuple[str, ...]:
    """What an entry changed, in the words of the parts."""
    try:
        return tuple(part.label for part in parts_between(row, before, after))
    except (KeyError, ValueError):  # a mode or type that this version of Headrace no longer has
        return ("Configuration",)
