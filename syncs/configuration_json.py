"""A sync's configuration as JSON, to edit as text and to copy between syncs.

The native shape is the API's. The shape that other tools document, with ``type``,
``object``, ``fromId``, ``mappings`` and ``customMappings`` of ``from`` and ``to``, is read too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from config.errors import Invalid
from connectors.sdk.destination import DestinationField, SyncType
from connectors.sdk.fields import Select
from syncs.api.mappings import mapping_from, mapping_json
from syncs.mappings import number_of

NATIVE = {"syncType", "mode", "removal", "firstRun", "settings", "mappings", "customMappings"}
LISTS = ("identifierMapping", "mappings", "customMappings")
FOREIGN = {"type", "object", "fromId", "identifierMapping", "customMappings", "arrayExpansionSourceColumn"}


def written(kind: SyncType, stored: Mapping[str, Any], fields: Sequence[DestinationField] = ()) -> str:
    """The configuration as text; mappings to others than the destination's ``fields``, where known, stand apart."""
    known = {declared.name for declared in fields}
    lists: dict[str, list[dict[str, Any]]] = {"mappings": []}
    for mapping in stored.get("mappings", ()):
        custom = bool(known) and mapping["to"] not in known
        lists.setdefault("customMappings" if custom else "mappings", []).append(mapping_json(mapping))
    whole = {
        "syncType": kind.key,
        "mode": stored.get("mode", ""),
        "removal": stored.get("removal", ""),
        "firstRun": stored.get("first_run", ""),
        "settings": stored.get("settings", {}),
        **lists,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def read(text: str, kind: SyncType, fields: Sequence[DestinationField]) -> dict[str, Any]:
    """The configuration that a text describes; raises :class:`Invalid` naming the path."""
    try:
        found = json.loads(text, parse_float=number_of)
    except ValueError as error:
        raise Invalid.field("json", f"This is not JSON: {error}.") from error
    except RecursionError:
        raise Invalid.field("json", "This is not JSON for a configuration: it is nested too deep.") from None
    if not isinstance(found, dict):
        raise Invalid.field("json", "Give one JSON object.")
    if found.get("syncType", kind.key) != kind.key:
        raise Invalid.field(
            "syncType", f"This page configures “{kind.name}” ({kind.key}); choose the other type first."
        )
    for part in LISTS:
        if not isinstance(found.get(part) or [], list):
            raise Invalid.field(part, "Give a list of mappings.")
    if found.keys() & FOREIGN - ({"customMappings"} if "settings" in found else set()):
        return _foreign(found, kind, fields)
    if unknown := sorted(found.keys() - NATIVE):
        raise Invalid.field(unknown[0], f"“{unknown[0]}” is not part of a configuration.")
    return {
        **_behaviour(found),
        "settings": _object(found, "settings"),
        "mappings": [
            _mapping(item, f"{part}.{n}")
            for part in ("mappings", "customMappings")
            for n, item in enumerate(found.get(part) or [])
        ],
    }


def _foreign(found: Mapping[str, Any], kind: SyncType, fields: Sequence[DestinationField]) -> dict[str, Any]:
    """The shape with ``from`` and ``to``: the object becomes the setting that picks one, the rest settings by name."""
    mappings = [
        _mapping(item, f"{part}.{n}", identifier=part == "identifierMapping")
        for part in LISTS
        for n, item in enumerate(found.get(part) or ())
    ]
    known = {declared.name for declared in kind.settings}
    settings = {name: value for name, value in found.items() if name in known}
    picker = next((d.name for d in kind.settings if isinstance(d, Select) and d.discover), "")
    if picker and found.get("object"):
        settings.setdefault(picker, found["object"])
    if unknown := sorted(found.keys() - NATIVE - FOREIGN - known):
        raise Invalid.field(unknown[0], f"“{unknown[0]}” is neither part of a configuration nor a setting.")
    _match(mappings, str(found.get("fromId") or ""), fields)
    return {**_behaviour(found), "settings": settings, "mappings": mappings}


def _behaviour(found: Mapping[str, Any]) -> dict[str, str]:
    """Mode, removal and first run, as far as the text names them; the rest is as for a new sync."""
    names = {"mode": "mode", "removal": "removal", "first_run": "firstRun"}
    return {name: str(found[wire]) for name, wire in names.items() if found.get(wire)}


def _match(mappings: list[dict[str, Any]], column: str, fields: Sequence[DestinationField]) -> None:
    """Match records by the column: where it is mapped, or into the field that is made for it."""
    if not column or any(mapping["identifier"] for mapping in mappings):
        return
    mapped = next((m for m in mappings if m["kind"] == "column" and m["value"] == column), None)
    if mapped is not None:
        mapped["identifier"] = True
        return
    fitting = sorted((f for f in fields if f.identifier), key=lambda f: not f.recommended)
    if not fitting:
        raise Invalid.field("fromId", f"No field is known by which “{column}” could match records.")
    mappings.insert(0, _mapping({"from": column, "to": fitting[0].name}, "fromId", identifier=True))


def _mapping(item: Any, path: str, *, identifier: bool = False) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise Invalid.field(path, "A mapping is an object with “to” and a value.")
    if "from" in item:
        item = {"kind": "column", "value": item["from"], **{k: v for k, v in item.items() if k != "from"}}
    made = mapping_from(item)
    return {"kind": "column", **made, "identifier": bool(made.get("identifier", identifier))}


def _object(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = found.get(name) or {}
    if not isinstance(value, dict):
        raise Invalid.field(name, "Give an object.")
    return value
