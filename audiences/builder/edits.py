"""What a person can do to a definition: each edit takes a tree of JSON values and gives a new one.

Places in the tree are JSON Pointers (RFC 6901), as in the problems of :mod:`audiences.query.errors`.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable
from typing import Any

import orjson

Tree = dict[str, Any]
MOST_CONDITIONS = 500
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WIDEST = 2**63  # whole numbers beyond 64 bits have no place in JSON or in a warehouse
# How a posted field's value is read: as text, as a number or nothing, as yes or no, as a list of texts, as JSON.
TEXT, NUMBER, FLAG, LIST, JSON = "text", "number", "flag", "list", "json"
INSERT = "insert"  # at the end of a text

NEW_CONDITIONS: dict[str, Tree] = {
    "property": {"type": "property", "field": {"column": ""}, "test": {}},
    "relation": {"type": "relation", "relationship": "", "where": {}},
    "event": {"type": "event", "relationship": "", "where": {}},
    "audience": {"type": "audience", "audience": ""},
    "trait": {"type": "trait", "trait": "", "test": {}, "where": {}},
    "custom_trait": {"type": "trait", "definition": {"method": "count"}, "test": {}},
    "group": {"type": "group", "match": "any", "conditions": []},
}


class BadEdit(Exception):
    """An edit does not fit the tree that it was sent with: a page that is out of date, or a program's mistake."""


def empty() -> Tree:
    """A definition that holds for everybody."""
    return {"where": {"type": "group", "match": "all", "conditions": []}}


def steps(pointer: str) -> list[str]:
    """The steps of a JSON Pointer."""
    if pointer and not pointer.startswith("/"):
        raise BadEdit(f"“{pointer}” is not a JSON Pointer.")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def parent(pointer: str) -> str:
    """The pointer to what holds this."""
    return pointer.rpartition("/")[0]


def value_at(tree: Any, pointer: str) -> Any:
    """What is at a pointer. Raises :class:`BadEdit` where there is nothing."""
    found = tree
    for step in steps(pointer):
        try:
            found = found[_place(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise BadEdit(f"There is nothing at “{pointer}” any more.") from None
    return found


def _place(step: str) -> int:
    """The place in a list that a step names. Raises :class:`ValueError`."""
    if not (step.isascii() and step.isdigit()):
        raise ValueError(step)
    return int(step)


def put(tree: Tree, pointer: str, value: Any) -> Tree:
    """The tree with a value in the place of what was there, or with a new key of an object."""
    changed = copy.deepcopy(tree)
    _put(changed, pointer, value)
    return changed


def _put(tree: Tree, pointer: str, value: Any) -> None:
    holder, last = value_at(tree, parent(pointer)), steps(pointer)[-1:]
    try:
        if isinstance(holder, dict):
            holder[last[0]] = value
        else:
            holder[_place(last[0])] = value
    except (IndexError, ValueError, TypeError):
        raise BadEdit(f"There is nothing at “{pointer}” any more.") from None


def append(tree: Tree, pointer: str, value: Any) -> Tree:
    """The tree with one more value at the end of a list."""
    changed = copy.deepcopy(tree)
    there = value_at(changed, pointer)
    if not isinstance(there, list) or len(there) >= MOST_CONDITIONS:
        raise BadEdit(f"Nothing can be added at “{pointer}”.")
    there.append(value)
    return changed


def take(tree: Tree, pointer: str) -> Tree:
    """The tree without one value of a list."""
    changed = copy.deepcopy(tree)
    there = value_at(changed, parent(pointer))
    value_at(changed, pointer)
    if not isinstance(there, list):
        raise BadEdit(f"“{pointer}” is not in a list.")
    del there[_place(steps(pointer)[-1])]
    return changed


def posted(tree: Tree, fields: Iterable[tuple[str, list[str]]]) -> Tree:
    """The tree with the values of a form's fields, which are named ``kind:pointer``.

    Fields without a colon and a known kind are not the tree's. Raises :class:`BadEdit`.
    """
    changed = copy.deepcopy(tree)
    for name, values in fields:
        kind, _, pointer = name.partition(":")
        if kind == INSERT and values[-1:] != [""]:
            _put(changed, pointer, f"{value_at(changed, pointer)}{values[-1]}")
        elif kind in _READERS:
            _put(changed, pointer, _READERS[kind](values))
    return changed


def number(written: str) -> int | float | None:
    """The number that a text is; nothing where it is none, or one that JSON cannot carry exactly or at all."""
    text = written.strip().replace("\N{NO-BREAK SPACE}", "")
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    if found[2] or found[3] or text.lstrip("+-").startswith("."):
        real = float(text)
        return real if math.isfinite(real) else None
    whole = int(text) if len(text) < 40 else _WIDEST
    return whole if -_WIDEST <= whole < _WIDEST else None


def _as_number(values: list[str]) -> int | float | str | None:
    """A number; text that is none stays, so that the page can show it with its problem."""
    written = values[-1].strip() if values else ""
    if not written:
        return None
    found = number(written)
    return written if found is None else found


def _as_json(values: list[str]) -> Any:
    try:
        return orjson.loads(values[-1] if values else "null")
    except orjson.JSONDecodeError:
        raise BadEdit("A value of the form cannot be read.") from None


_READERS = {
    TEXT: lambda values: values[-1] if values else "",
    NUMBER: _as_number,
    FLAG: lambda values: bool(values) and values[-1] == "true",
    LIST: lambda values: [value for value in values if value != ""],
    JSON: _as_json,
}


def add(tree: Tree, group: str, condition: Tree) -> Tree:
    """The tree with one more condition at the end of a group."""
    if count(tree) >= MOST_CONDITIONS:
        raise BadEdit(f"A definition has at most {MOST_CONDITIONS} conditions.")
    changed = copy.deepcopy(tree)
    _conditions(changed, group).append(copy.deepcopy(condition))
    return changed


def remove(tree: Tree, condition: str) -> Tree:
    """The tree without a condition, and without groups that this leaves empty."""
    changed = copy.deepcopy(tree)
    group, place = group_of(condition)
    conditions = _conditions(changed, group)
    value_at(changed, condition)
    del conditions[place]
    is_inner = group.endswith(tuple("0123456789")) and value_at(changed, group).get("type") == "group"
    return remove(changed, group) if is_inner and not conditions else changed


def duplicate(tree: Tree, condition: str) -> Tree:
    """The tree with the condition twice."""
    group, place = group_of(condition)
    twin = copy.deepcopy(value_at(tree, condition))
    changed = add(tree, group, twin)
    conditions = _conditions(changed, group)
    conditions.insert(place + 1, conditions.pop())
    return changed


def move(tree: Tree, condition: str, group: str, place: int) -> Tree:
    """The tree with a condition at another place, in its own group or in another one.

    ``place`` counts in that group as it was before. A condition cannot go into itself.
    """
    if (group + "/").startswith(condition + "/"):
        raise BadEdit("A group cannot be moved into itself.")
    changed = copy.deepcopy(tree)
    moved = value_at(changed, condition)
    old_group, old_place = group_of(condition)
    old, new = _conditions(changed, old_group), _conditions(changed, group)
    marker: Tree = {"type": "moved"}
    old[old_place] = marker
    new.insert(max(0, min(place, len(new))), moved)
    old.pop(next(at for at, each in enumerate(old) if each is marker))
    return changed


def wrap(tree: Tree, condition: str) -> Tree:
    """The tree with a condition in a group of its own, which joins the other way than the one it was in."""
    group, _ = group_of(condition)
    holder = value_at(tree, group)
    outer = holder.get("match", "all") if isinstance(holder, dict) else "all"
    inner = {"type": "group", "match": "any" if outer == "all" else "all", "conditions": [value_at(tree, condition)]}
    return put(tree, condition, inner)


def unwrap(tree: Tree, group: str) -> Tree:
    """The tree with a group's conditions in the place of the group."""
    changed = copy.deepcopy(tree)
    outer, place = group_of(group)
    conditions = _conditions(changed, outer)
    conditions[place : place + 1] = _conditions(changed, group)
    return changed


def count(tree: Any) -> int:
    """How many conditions and groups there are, at all levels."""
    waiting, found = [tree], 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found += len(value.get("conditions") or ()) if isinstance(value.get("conditions"), list) else 0
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def group_of(condition: str) -> tuple[str, int]:
    """The group that a condition is in, and its place there."""
    group, _, place = condition.rpartition("/conditions/")
    if not (group and place.isascii() and place.isdigit() and len(place) < 10):
        raise BadEdit(f"“{condition}” is not a condition.")
    return group, int(place)


def _conditions(tree: Tree, group: str) -> list[Any]:
    found = value_at(tree, group)
    if not isinstance(found, dict):
        raise BadEdit(f"“{group}” is not a group of conditions.")
    conditions = found.setdefault("conditions", [])
    if not isinstance(conditions, list):
        raise BadEdit(f"“{group}” is not a group of conditions.")
    return conditions
