"""Jobs of Bulk API 2.0: the batch as CSV, worked off in Salesforce's own time, with a result for each row."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.sdk import receipts
from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.errors import BatchRejected, InternalError
from connectors.sdk.rest import JobState, Record, Results, Work, finished
from connectors.sdk.rest.work import text

JOBS = "jobs/ingest"
OVER = frozenset({"JobComplete", "Failed", "Aborted"})
EMPTY = "#N/A"  # what empties a field; nothing at all leaves it as it is


async def run_job(work: Work, operation: str, key: str, records: Sequence[Record]) -> Results:
    """Hand the records in, wait, and read what became of them. ``key`` tells rows apart in the answers."""
    content = csv_of(records)

    async def start() -> str:
        about = {"object": work.settings["object"], "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
        named = {"externalIdFieldName": key} if operation == "upsert" else {}
        job = str((await work.line.post(JOBS, {**about, **named}))["id"])
        await work.line.send("PUT", f"{JOBS}/{job}/batches", body=content, content_type="text/csv")
        return job

    async def ask(job: str) -> JobState:
        told = await work.line.get(f"{JOBS}/{job}")
        if told["state"] == "Open":  # only now, when its name is durable, may it begin
            await work.line.send("PATCH", f"{JOBS}/{job}", json={"state": "UploadComplete"})
        return JobState(told["state"] in OVER, (job, told))

    job, told = await finished(start, ask, within_s=3_300)
    if told["state"] != "JobComplete":
        await receipts.current().keep("")
        if not told.get("numberRecordsProcessed"):
            raise BatchRejected(f"Salesforce gave the job up: {told.get('errorMessage') or told['state']}")
    elif not told.get("numberRecordsFailed"):
        return [ACCEPTED] * len(records)
    failed = [row async for row in _rows(work, f"{JOBS}/{job}/failedResults")]
    left = [row async for row in _rows(work, f"{JOBS}/{job}/unprocessedrecords")]
    return list(results_of(key, content, len(records), [*failed, *left]))


def csv_of(records: Sequence[Record]) -> bytes:
    """The records as CSV, with a column for every field that one of them has."""
    names = list(dict.fromkeys(name for record in records for name in record))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(name, record) for name in names] for record in records)
    return out.getvalue().encode()


def _cell(name: str, record: Mapping[str, Any]) -> str:
    if name not in record:
        return ""
    # Related records are found by a value; where there is none, the relation stays as it is.
    return (EMPTY if "." not in name else "") if record[name] is None else text(record[name])


def results_of(key: str, content: bytes, rows: int, refused: Sequence[Mapping[str, str]]) -> Iterator[RowResult]:
    """A result for each row: those that were refused are told by their key, or by all that was sent of them."""
    places: dict[Any, list[int]] = defaultdict(list)
    sent = list(csv.DictReader(io.StringIO(content.decode())))
    for place, row in enumerate(sent):
        places[_name(key, row, row)].append(place)
    said: dict[int, str] = {}
    for told in refused:
        known = places.get(_name(key, told, sent[0]))
        if not known:
            raise InternalError("Salesforce refused a row that it was not sent.")
        said[known.pop()] = told.get("sf__Error") or "Salesforce gave the job up before this row."
    for place in range(rows):
        yield rejected(said[place]) if place in said else ACCEPTED


def _name(key: str, row: Mapping[str, str], columns: Mapping[str, str]) -> Any:
    return row.get(key, "").lower() if key else tuple(row.get(name, "") for name in columns)


async def _rows(work: Work, path: str) -> Any:
    answer = await work.line.send("GET", path)
    if not answer.body.strip():  # where it names nobody, it has a heading all the same
        raise InternalError("Salesforce's list of the rows that it refused is empty.")
    for row in csv.DictReader(io.StringIO(answer.body.decode("utf-8", "replace"))):
        yield row
