"""The audit log as a file, made while it is sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import orjson
from django.db.models import QuerySet

from config.streaming import StreamedResponse
from governance.audit.chain import content_of
from governance.audit.models import AuditEntry

FORMATS = {"csv": ("text/csv; charset=utf-8", "csv"), "json": ("application/json", "json")}
_PAGE = 2_000
_HEADINGS = (
    "id",
    "at",
    "event",
    "actorKind",
    "actorId",
    "actor",
    "userId",
    "workspaceId",
    "resourceType",
    "resourceId",
    "resource",
    "before",
    "after",
    "correlationId",
    "sequence",
    "digest",
    "link",
)
# A spreadsheet would run what begins like this.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Scope = Callable[[], AbstractContextManager[None]]


def export_response(rows: QuerySet[AuditEntry], form: str, name: str, scope: Scope) -> StreamedResponse:
    """The entries newest first. ``scope`` is entered for each page of them: the request's own has ended by then."""
    kind, ending = FORMATS[form]
    lines = _as_csv(_entries(rows, scope)) if form == "csv" else _as_json(_entries(rows, scope))
    response = StreamedResponse(lines, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry with its place in the chain, so that whoever has it can check it."""
    return {
        **content_of(entry),
        "sequence": entry.sequence,
        "salt": _hex(entry.salt),
        "digest": _hex(entry.digest),
        "link": _hex(entry.link),
    }


def _entries(rows: QuerySet[AuditEntry], scope: Scope) -> Iterator[AuditEntry]:
    before = 2**63 - 1
    while True:
        with scope():
            page = list(rows.filter(pk__lt=before).order_by("-pk")[:_PAGE])
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].pk


def _as_json(entries: Iterator[AuditEntry]) -> Iterator[bytes]:
    begun = False
    for entry in entries:
        yield (b",\n" if begun else b"[\n") + orjson.dumps(plain(entry_json(entry)))
        begun = True
    yield b"\n]\n" if begun else b"[]\n"


def _as_csv(entries: Iterator[AuditEntry]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_HEADINGS)
    for entry in entries:
        writer.writerow([_cell(value) for value in _row(entry)])
        if buffer.tell() > 32_000:
            yield _taken(buffer)
    yield _taken(buffer)


def _row(entry: AuditEntry) -> tuple[Any, ...]:
    return (
        entry.pk,
        entry.at.isoformat(),
        entry.event,
        entry.actor_kind,
        entry.actor_id,
        entry.actor_label,
        entry.user_id,
        entry.workspace_id,
        entry.resource_type,
        entry.resource_id,
        entry.resource_label,
        _json(entry.before),
        _json(entry.after),
        entry.correlation_id,
        entry.sequence,
        _hex(entry.digest),
        _hex(entry.link),
    )


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _json(value: Any) -> str:
    return "" if value is None else orjson.dumps(plain(value)).decode()


def plain(value: Any) -> Any:
    """A value with whole numbers beyond 64 bits as text, which is all that readers of JSON can hold."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


def _hex(value: bytes | memoryview | None) -> str | None:
    return None if value is None else bytes(value).hex()


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
