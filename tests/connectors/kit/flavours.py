"""Rows of every kind: what any table may hold, put in place of the harmless values of a case."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from tests.connectors.kit.cases import Case
from tests.connectors.kit.fake_http import Received
from tests.connectors.kit.rest import Played

FLAVOURS: Mapping[str, Any] = {
    "hostile text": "Robert'); DROP TABLE x; -- \"}],{{ 7*7 }}</script>\\ %00 \t",
    "any script": "Ωμέγα 東京 🎏 עברית ʼń",
    "long text": "x" * 20_000,
    "nothing": None,
}


def simplest(cases: Sequence[Case], key: str) -> list[Case]:
    """For each sync type of a connector the first case whose free text may be anything (``"free": ["name"]``)."""
    first: dict[str, Case] = {}
    for case in cases:
        if case.key == key and case.told.get("free"):
            first.setdefault(case.told.get("type", ""), case)
    assert first, f"no case of {key} names columns that may hold any text (“free”)"
    return list(first.values())


def flavoured(told: Mapping[str, Any], flavour: str) -> dict[str, Any]:
    """The case with this value in its free columns."""
    names = list(told["columns"])
    places = [names.index(name) for name in told["free"]]
    rows = [[FLAVOURS[flavour] if i in places else value for i, value in enumerate(row)] for row in told["rows"]]
    return {**told, "rows": rows}


def missing(told: Mapping[str, Any], played: Played) -> list[str]:
    """Rows that were taken although their value is in no request."""
    places = [list(told["columns"]).index(name) for name in told["free"]]
    sent = [value for request in played.received for value in _texts(_content(request))]
    return [
        f"row {number}: {row[place]!r} was not sent"
        for number, (row, result) in enumerate(zip(told["rows"], played.results, strict=True))
        for place in places
        if result.accepted and row[place] is not None and not any(row[place] in text for text in sent)
    ]


def _content(request: Received) -> Any:
    """What a request carries: JSON, lines of JSON between others, a form, or (CSV) the text that it is."""
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(request.body.decode(), keep_blank_values=True)
    found = []
    for part in (request.body, *request.body.splitlines()):
        try:
            found.append(json.loads(part) if part else None)
        except ValueError:
            found.append(part.decode())
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        with suppress(ValueError):  # a message inside a message
            yield from _texts(json.loads(base64.b64decode(value, validate=True)))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
