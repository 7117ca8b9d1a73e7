"""The history of audiences as pages and the API show it: who was in them, and whom runs held out."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from audiences.definitions import asker, schema_with_audiences
from audiences.history_places import members_now, place_of
from audiences.history_tables import HOLDOUT, MEMBERSHIP, Paging, members_after
from audiences.models import Audience, ExperimentGroup
from audiences.query.layers import allowed
from audiences.query.schema import Surface
from audiences.services.recordings import logs_of
from audiences.syncing import sendable_columns
from config.errors import Conflict, Invalid
from connectors.sdk.errors import ConnectorError
from syncs.logs import workspace_code

ENTRIES = ("ht_timestamp", "ht_row_id", "ht_event_type", "ht_split_group")
HELD = ("sync_run_id", "row_id")
MOST_ENTRIES = 10_000  # of one person in one audience


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, and the place behind the last of them; empty at the end."""

    rows: Sequence[Mapping[str, Any]]
    after: str


def members_of_moment(audience: Audience, at: datetime | None = None) -> Iterator[Sequence[Any]]:
    """Key and group of everybody who was in the audience then, by its history.

    All that Headrace knows itself is asked at once, and the first members, too: the rest is read outside of the
    workspace, while a file is sent. Raises :class:`Conflict` where the history cannot be read.
    """
    names, logs = names_of_groups(audience), logs_of(audience.parent_model.source)
    members = _named(place_of(logs).rows(MEMBERSHIP, audience, members_now(audience, at)), names)
    with _readable():
        return chain(list(islice(members, 1)), members)


def _named(batches: Iterable[pa.RecordBatch], names: Mapping[str, str]) -> Iterator[Sequence[Any]]:
    for batch in batches:
        for row, group in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
            yield row, names.get(group or "", group or "")


def page_of_members(audience: Audience, at: datetime | None, after: str, most: int) -> Page:
    """The same by key, from behind one on."""
    own, names = (audience.pk, workspace_code(audience.workspace)), names_of_groups(audience)
    place = place_of(logs_of(audience.parent_model.source))
    batches = place.rows(MEMBERSHIP, audience, lambda table, how: members_after(table, how, *own, at, after, most))
    with _readable():
        found = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    rows = [{"rowId": row, "groupId": group, "group": names.get(group or "")} for row, group in found]
    return Page(rows[:most], str(found[most - 1][0]) if len(found) > most else "")


def page_of_entries(audience: Audience, after: str, most: int, row: str = "") -> Page:
    """Who entered and left, oldest first; of one row, if it is named."""
    rows_of = (row,) if row else ()
    paging = Paging(MEMBERSHIP, ENTRIES, (), _read_place(after, ENTRIES), most, rows_of)
    with _readable():
        found = _entries(audience, paging)
    names = names_of_groups(audience)
    rows = [
        {"at": at, "rowId": key, "event": event, "groupId": group, "group": names.get(group or "")}
        for at, key, event, group in found
    ]
    return Page(rows[:most], _place(found, most, len(ENTRIES)))


def page_of_holdouts(audience: Audience, after: str, most: int) -> Page:
    """Whom runs held out, oldest run first; values only of columns that previews show."""
    more = ("sync_id", "timestamp", "split_group", "fields")
    paging = Paging(HOLDOUT, HELD, more, _read_place(after, HELD), most)
    with _readable():
        found = _entries(audience, paging)
    shown = _shown_columns(audience) if found else frozenset()
    rows = [
        {
            "runId": str(run),
            "rowId": row,
            "syncId": str(sync),
            "at": at,
            "group": group,
            "values": {name: value for name, value in _fields(fields).items() if name in shown},
        }
        for run, row, sync, at, group, fields in found
    ]
    return Page(rows[:most], _place(found, most, len(HELD)))


def entries_of_rows(audience: Audience, keys: Collection[str]) -> tuple[list[Mapping[str, Any]], int]:
    """When the rows with these keys entered and left, and how often runs held them out: for whoever answers people."""
    rows, names = tuple(sorted(keys)), names_of_groups(audience)
    found = _entries(audience, Paging(MEMBERSHIP, ENTRIES, most=MOST_ENTRIES, rows=rows))
    held = _entries(audience, Paging(HOLDOUT, HELD, most=MOST_ENTRIES, rows=rows))
    lines: list[Mapping[str, Any]] = [
        {"at": at.isoformat(), "key": key, "event": event, "group": names.get(group or "", "")}
        for at, key, event, group in found[:MOST_ENTRIES]
    ]
    return lines, len(held)


def names_of_groups(audience: Audience) -> dict[str, str]:
    """The names of all groups that the audience has had, by the id that the history has."""
    groups = ExperimentGroup.objects.filter(experiment__audience=audience)
    return {str(pk): name for pk, name in groups.values_list("pk", "name")}


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except ConnectorError as error:
        raise Conflict(f"The history could not be read: {error.message}", hint=error.hint) from None


def _entries(audience: Audience, paging: Paging) -> list[tuple[Any, ...]]:
    own = audience.pk, workspace_code(audience.workspace)
    place = place_of(logs_of(audience.parent_model.source))
    batches = place.rows(paging.log, audience, lambda table, how: paging.query(table, how, *own))
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def _place(found: Sequence[Sequence[Any]], most: int, columns: int) -> str:
    if len(found) <= most:
        return ""
    values = [each.isoformat() if isinstance(each, datetime) else each for each in found[most - 1][:columns]]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _read_place(text: str, columns: Sequence[str]) -> Sequence[Any]:
    if not text:
        return ()
    try:
        values = json.loads(base64.urlsafe_b64decode(text))
        if isinstance(values, list) and len(values) == len(columns) and not any(isinstance(v, bool) for v in values):
            moments = [datetime.fromisoformat(v) for v, name in zip(values, columns, strict=True) if name == ENTRIES[0]]
            numbers = [int(v) for v, name in zip(values, columns, strict=True) if name == HELD[0]]
            if all(each.tzinfo for each in moments) and all(abs(each) < 2**63 for each in numbers):
                return values
    except (binascii.Error, ValueError, TypeError, OverflowError):
        pass
    raise Invalid.field("after", "This is no place in the list: give what the page before it said.")


def _fields(text: Any) -> dict[str, Any]:
    read = json.loads(text) if isinstance(text, str) else text
    return read if isinstance(read, dict) else {}


def _shown_columns(audience: Audience) -> frozenset[str]:
    schema = schema_with_audiences(audience.parent_model.source)
    outputs = [each.output for each in sendable_columns(audience, schema)]
    kept, _ = allowed(asker(schema), str(audience.parent_model_id), outputs, Surface.PREVIEWS)
    return frozenset(each.name for each in kept)
