"""Which column goes to which field, guessed by their names; people confirm. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from connectors.sdk.destination import DestinationField

NEAR = 0.82
# Words that say nothing about which value it is, and other words for the same thing.
_FILLERS = frozenset({"full", "address", "value", "field", "the", "user", "customer", "contact", "c"})
_SAME = {
    "mail": "email", "fname": "firstname", "givenname": "firstname", "lname": "lastname", "surname": "lastname",
    "familyname": "lastname", "telephone": "phone", "mobile": "phone", "tel": "phone", "postal": "zip",
    "postcode": "zip", "postalcode": "zip", "zipcode": "zip", "dob": "birthday", "birthdate": "birthday",
    "dateofbirth": "birthday", "organisation": "company", "organization": "company", "createdon": "createdat",
    "updatedon": "updatedat", "modifiedat": "updatedat", "uuid": "id",
}  # fmt: skip


def suggested(columns: Mapping[str, str], fields: Sequence[DestinationField]) -> list[dict[str, Any]]:
    """Mappings of columns and fields of the same name, the identifier first: what a new sync starts with."""
    found = [(f, name) for f in fields if not f.read_only and (name := _same(f, columns))]
    identifiers = [f for f, _ in found if f.identifier]
    matching = next((f.name for f in identifiers if f.recommended), identifiers[0].name if identifiers else "")
    found.sort(key=lambda pair: pair[0].name != matching)
    return [_mapping(name, field.name, identifier=field.name == matching) for field, name in found]


def near(
    columns: Collection[str], fields: Sequence[DestinationField], mapped: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Mappings for fields and columns that are not mapped yet, of the same or a similar name, in the fields' order."""
    mapped = list(mapped)
    taken = {str(m.get("to")) for m in mapped}
    used = {str(m.get("value")) for m in mapped if m.get("kind") == "column"}
    free = [(place, f) for place, f in enumerate(fields) if not f.read_only and f.name not in taken]
    pairs = [(_likeness(column, f), place, f.name, column) for place, f in free for column in columns]
    made: list[tuple[int, dict[str, Any]]] = []
    for score, place, name, column in sorted(pairs, key=lambda pair: (-pair[0], pair[1])):
        if score >= NEAR and name not in taken and column not in used:
            made.append((place, _mapping(column, name)))
            taken.add(name)
            used.add(column)
    return [mapping for _, mapping in sorted(made, key=lambda pair: pair[0])]


def _mapping(column: str, to: str, *, identifier: bool = False) -> dict[str, Any]:
    return {"to": to, "kind": "column", "value": column, "identifier": identifier, "ignore_null": False}


def _same(field: DestinationField, columns: Iterable[str]) -> str:
    return next((name for name in columns if _plain(name) == _plain(field.name)), "")


def _likeness(column: str, field: DestinationField) -> float:
    """Between 0 and 1; the field's label counts like its name."""
    return max(_alike(column, name) for name in {field.name, field.label or field.name})


def _alike(one: str, other: str) -> float:
    if _plain(one) == _plain(other):
        return 1.0
    first, second = _core(one), _core(other)
    if first and first == second:
        return 0.95
    if min(len(first), len(second)) <= 3:
        return 0.0
    return SequenceMatcher(None, first, second).ratio()


def _core(name: str) -> str:
    """The telling words of a name, in one spelling."""
    words = _words(name)
    telling = [word for word in words if word not in _FILLERS] or words
    joined = "".join(_SAME.get(word, word) for word in telling)
    return _SAME.get(joined, joined)


def _words(name: str) -> list[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _plain(name: str) -> str:
    return "".join(_words(name))
