"""Trees ⇄ JSON: decoding says in plain words what is wrong and where, and brings older versions up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from audiences.query.conditions import VERSION, Condition, Definition, Group, Trait
from audiences.query.errors import InvalidTree, Path, refused

T = TypeVar("T")
MAX_NESTING = 64  # of JSON objects and arrays: far more than anybody reads, far less than the stack

# version → what makes it the next one
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_WORDS: tuple[tuple[str, str], ...] = (
    (r"Object missing required field `(.+)`", "“{0}” is missing here."),
    (r"Object contains unknown field `(.+)`", "“{0}” is not known here."),
    (r"Invalid value '(.*)'", "“{0}” is not a value that this can have."),
    (r"Invalid enum value '?(.*?)'?", "“{0}” is not a value that this can have."),
    (r"Expected `(.+)`, got `null`", "A value is missing here: {0} was expected."),
    (r"Expected `(.+)`, got `(.+)`", "This has to be of the type {0}, and is {1}."),
    (r"Expected `(\w+)` >= (.+)", "This has to be at least {1}."),
    (r"Expected `(\w+)` <= (.+)", "This has to be at most {1}."),
)


def load_definition(stored: Any) -> Definition:
    """A definition from its JSON values. Raises :class:`InvalidTree`."""
    refuse_deep(stored)
    if not isinstance(stored, dict):
        raise refused((), "malformed", "A definition is a JSON object.")
    return _convert(_upgraded(stored), Definition)


def load_trait(stored: Any) -> Trait:
    """A trait from its JSON values. Raises :class:`InvalidTree`."""
    refuse_deep(stored)
    return _convert(stored, Trait)  # type: ignore[arg-type]


def load_group(stored: Any) -> Group:
    """A group of conditions from its JSON values. Raises :class:`InvalidTree`."""
    refuse_deep(stored)
    return _convert(stored, Group)


def dump(value: Definition | Condition | Trait) -> Any:
    """The JSON values of a tree, as they come back from a database; a definition always says its version."""
    made = msgspec.json.decode(msgspec.json.encode(value))
    return {"version": VERSION, **made} if isinstance(value, Definition) else made


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of a definition and, under ``$defs``, of everything in it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Headrace audience definition, version {VERSION}",
        **msgspec.json.schema(Definition),
    }


def _upgraded(stored: dict[str, Any]) -> dict[str, Any]:
    version = stored.get("version", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION:
        known = f"versions up to {VERSION} are known"
        raise refused(("version",), "malformed", f"The definition has the version {version!r}: {known}.")
    while version < VERSION:
        stored = {**UPGRADES[version](stored), "version": version + 1}
        version += 1
    return stored


def _convert(stored: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(stored, kind)
    except msgspec.ValidationError as error:
        raise _in_words(str(error)) from error


def _in_words(said: str) -> InvalidTree:
    place = _PLACE.search(said)
    path = _path(place["path"]) if place else ()
    reason = said[: place.start()] if place else said
    for pattern, words in _WORDS:
        found = re.fullmatch(pattern, reason)
        if found:
            return refused(path, "malformed", words.format(*found.groups()))
    return refused(path, "malformed", f"{reason}.")


def _path(text: str) -> Path:
    steps = _STEP.finditer(text)
    return tuple(step["name"] or (int(step["index"]) if step["index"].isdigit() else step["index"]) for step in steps)


def refuse_deep(stored: Any) -> None:
    """Refuse what is nested deeper than anybody reads, before something recursive meets it: this goes level by level.

    Raises :class:`InvalidTree`.
    """
    level, depth = [stored], 0
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise refused((), "too_deep", "The conditions are nested too deeply.")
        level = [
            child
            for value in level
            if isinstance(value, dict | list | tuple)
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, dict | list | tuple)
        ]
