"""What of a sync is decided elsewhere, so that it may not be chosen or changed on the sync alone.

The studio registers here what the templates of audience syncs decide. A part of a sync's state has a path: ``mode``,
``settings.table``, ``mappings.email`` (by the destination's field), ``schedule``, ``guardrails``. Mappings to fields
that are not named are together :data:`OTHER_FIELDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from config.errors import Invalid
from syncs.choices import ModelMethod
from syncs.models import Model, Sync

State = Mapping[str, Any]
TYPE, SCHEDULE, GUARDRAILS, OTHER_FIELDS = "sync_type", "schedule", "guardrails", "mappings.*"
BEHAVIOUR = ("mode", "removal", "first_run")
_SETTING, _MAPPING = "settings.", "mappings."
_UNTIMED = (TYPE, *BEHAVIOUR, "settings", "mappings", GUARDRAILS)


@dataclass(frozen=True, slots=True)
class Whole:
    """What of a sync needs approval (see :func:`syncs.drafts.state.sync_state`), with its credentials by path."""

    state: State
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """``wanted`` is what a sync has to be, but for its ``open`` parts; ``name`` and ``url`` are of what says so.

    ``blank`` are the open parts that each sync fills in by itself, ``own`` those in which this one goes its own way.
    ``follow_url`` brings one that fell behind up to date and ``leave_url`` sets it free; where that may not be,
    ``kept`` says why.
    """

    name: str
    url: str
    wanted: Whole
    open: frozenset[str] = frozenset()
    blank: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    follow_url: str = ""
    leave_url: str = ""
    kept: str = ""

    @property
    def reason(self) -> str:
        """Why a part cannot be changed."""
        return f"Locked by the template “{self.name}”."

    def is_open(self, path: str) -> bool:
        """Whether a sync may have this part its own way."""
        if path in self.open:
            return True
        named = path.startswith(_MAPPING) and path not in parts_of(self.wanted)
        return named and OTHER_FIELDS in self.open

    def fills_in(self, path: str) -> bool:
        """Whether this part of a sync is what its template left for it to say."""
        if path in self.blank:
            return self.is_open(path)
        added = path.startswith(_MAPPING) and path not in parts_of(self.wanted)
        return added and OTHER_FIELDS in self.blank and self.is_open(path)

    def behind(self, now: Whole) -> list[str]:
        """The parts, in words, in which a sync is not as it has to be."""
        parts = differing(self.wanted, now)
        return [words_of(path) for path in parts if path not in self.own and not self.fills_in(path)]

    @property
    def blank_words(self) -> list[str]:
        """What is left blank."""
        return [words_of(path) for path in self.blank]

    @property
    def own_words(self) -> list[str]:
        """In which parts the sync goes its own way."""
        return [words_of(path) for path in self.own]


class Derivation(Protocol):
    """What a new sync is made from."""

    @property
    def made_from(self) -> Mapping[str, object]:
        """What the audit log says of it."""
        ...

    def attach(self, sync: Sync) -> None:
        """Remember it; in the transaction in which the sync is stored."""
        ...


class Keeper(Protocol):
    """Who decides about the syncs of some models."""

    def require_free(self) -> None:
        """Raise where syncs may only be made from something: what is made so has a :class:`Derivation`."""
        ...

    def locks_of(self, sync: Sync) -> Locks | None:
        """What is locked of a sync; nothing where it is nobody's but its own."""
        ...

    def changed(self, sync: Sync, before: Whole, after: Whole) -> None:
        """The sync was changed in this transaction, within its locks."""
        ...


_keepers: dict[ModelMethod, Keeper] = {}


def register(method: ModelMethod, keeper: Keeper) -> None:
    """Let ``keeper`` decide about the syncs of models with this method."""
    _keepers[method] = keeper


def require_free(model: Model) -> None:
    """Raise where a sync of this model may not be made without something that it is made from."""
    if (keeper := _keeper(model)) is not None:
        keeper.require_free()


def locks_of(sync: Sync) -> Locks | None:
    """What is locked of a sync."""
    keeper = _keeper(sync.model)
    return None if keeper is None else keeper.locks_of(sync)


def note_change(sync: Sync, before: Whole, after: Whole) -> None:
    """Tell whoever decides about a sync that it was stored with another state."""
    if (keeper := _keeper(sync.model)) is not None:
        keeper.changed(sync, before, after)


def require_unlocked(sync: Sync, before: Whole, after: Whole) -> None:
    """Raise :class:`Invalid`, by path, where a change touches what is locked; becoming what is wanted never does."""
    locks = locks_of(sync)
    if locks is None:
        return
    if touched := locked_differences(locks, before, after):
        fields = {_input_of(path, after): locks.reason for path in touched}
        raise Invalid(
            f"{locks.reason} Locked: {', '.join(map(words_of, touched))}.",
            fields=fields,
            hint="Ask somebody who may change the template to unlock it.",
            code="locked_by_template",
        )


def locked_differences(locks: Locks, before: Whole | None, after: Whole) -> list[str]:
    """The locked parts of ``after`` that neither are what is wanted nor as ``before``."""
    wanted, new = parts_of(locks.wanted), parts_of(after)
    old = parts_of(before) if before is not None else {}
    return [
        path
        for path in differing(locks.wanted, after)
        if not locks.is_open(path)
        and (before is None or new.get(path) != old.get(path))
        and not (path.startswith(_SETTING) and path not in new and path in wanted)  # does not apply any more
    ]


def differing(one: Whole, other: Whole) -> list[str]:
    """The paths of the parts in which two states differ."""
    first, second = parts_of(one), parts_of(other)
    return [path for path in {**first, **second} if first.get(path) != second.get(path)]


def merged(locks: Locks, own: Whole, kept: frozenset[str]) -> Whole:
    """What is wanted, with those of the ``kept`` parts that are open, and what it filled in, as a sync has them."""
    wanted, had = locks.wanted.state, own.state
    mine = {path for path in kept if locks.is_open(path)} | filled_in(locks, own)
    state = {name: wanted[name] for name in wanted}
    state |= {name: had[name] for name in (*BEHAVIOUR, GUARDRAILS) if name in mine}
    if SCHEDULE in mine:
        state |= {name: value for name, value in had.items() if name not in _UNTIMED}
    names = {path.removeprefix(_SETTING) for path in mine if path.startswith(_SETTING)}
    state["settings"] = _taken(wanted["settings"], had["settings"], names)
    state["mappings"] = _mappings(wanted["mappings"], had["mappings"], mine)
    theirs = {path: value for path, value in locks.wanted.secrets.items() if _top(path) not in names}
    secrets = theirs | {path: value for path, value in own.secrets.items() if _top(path) in names}
    return Whole(state, secrets)


def filled_in(locks: Locks, own: Whole) -> set[str]:
    """The parts that a sync says because its template leaves them blank."""
    return {path for path in parts_of(own) if locks.fills_in(path)}


def parts_of(whole: Whole) -> dict[str, Any]:
    """A state by the paths of its parts."""
    state = whole.state
    parts: dict[str, Any] = {name: state[name] for name in (TYPE, *BEHAVIOUR, GUARDRAILS)}
    # States from before schedules could wait for jobs say nothing of them.
    parts[SCHEDULE] = {"after": {}} | {name: value for name, value in state.items() if name not in _UNTIMED}
    names = dict.fromkeys([*state["settings"], *map(_top, whole.secrets)])
    for name in names:
        secret = {path: value for path, value in whole.secrets.items() if _top(path) == name}
        parts[_SETTING + name] = (state["settings"].get(name), secret)
    return parts | {_MAPPING + mapping["to"]: mapping for mapping in state["mappings"]}


def words_of(path: str) -> str:
    """A part as people call it."""
    known = {
        TYPE: "sync type",
        "mode": "mode",
        "removal": "what happens to rows that leave",
        "first_run": "first run",
        OTHER_FIELDS: "other fields",
    }
    if path in known:
        return known[path]
    if path.startswith(_MAPPING):
        return f"the mapping to {path.removeprefix(_MAPPING)}"
    return path.removeprefix(_SETTING).replace("_", " ")


def _keeper(model: Model) -> Keeper | None:
    return _keepers.get(ModelMethod(model.method))


def _top(path: str) -> str:
    return path.partition(".")[0]


def _taken(theirs: Mapping[str, Any], own: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    kept = {name: value for name, value in theirs.items() if name not in names}
    return kept | {name: own[name] for name in names if name in own}


def _mappings(theirs: list[dict[str, Any]], own: list[dict[str, Any]], mine: set[str]) -> list[dict[str, Any]]:
    """In the order of the template; what is only the sync's own comes last."""
    ours = {mapping["to"]: mapping for mapping in own if _MAPPING + mapping["to"] in mine}
    wanted = {mapping["to"] for mapping in theirs}
    kept = [m for m in theirs if _MAPPING + m["to"] not in mine or m["to"] in ours]
    return [*(ours.get(m["to"], m) for m in kept), *(m for to, m in ours.items() if to not in wanted)]


def _input_of(path: str, after: Whole) -> str:
    """The path of the input that a part is typed into."""
    if not path.startswith(_MAPPING):
        return path
    at = [n for n, mapping in enumerate(after.state["mappings"]) if _MAPPING + mapping["to"] == path]
    return f"mappings.{at[0]}" if at else "mappings"
