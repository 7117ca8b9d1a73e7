"""Talking to BigQuery over its REST interface: jobs, lists of tables, and what each refusal means."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from connectors.sdk.context import Workload
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, RateLimited, Unavailable
from connectors.sdk.net import Response, words
from connectors.sdk.net.doors import run
from connectors.sdk.rest import Api, google
from connectors.sdk.rest.api import Line, at
from connectors.sdk.types import Table

ORIGIN = "https://bigquery.googleapis.com"
_HIDDEN = ("headrace_planner", "headrace_audit")
# Pages hold 10 MB, and a row may be longer.
_PAGE_BYTES = 128 << 20
# For how long a request waits for the job; how often one that got no answer is made again.
_WAIT_MS, _TRIES = 10_000, 3
_AT_ONCE = 8  # lists of tables
_LOOK_S = 0.5  # between looks at a load job, which cannot be waited for
_GB = 1 << 30
_PLACE = re.compile(r"\[(?P<line>\d+):(?P<column>\d+)\]")
_VIEWS = ("VIEW", "MATERIALIZED_VIEW")


def _refused(response: Response, message: str) -> ConnectorError:
    try:
        first = (at(response.json(), "error.errors") or [{}])[0]
        reason = str(first.get("reason") or "")
    except (ConnectorError, LookupError, AttributeError):
        reason = ""
    return refusal(reason, words(response))


API = Api(
    base=f"{ORIGIN}/bigquery/v2",
    # There is no scope for running queries that cannot write as well: rights are what keeps from it.
    sign_in=google("https://www.googleapis.com/auth/bigquery"),
    errors=dict.fromkeys((400, 403, 404, 409), _refused),
    answer_bytes=_PAGE_BYTES,
)


class Session:
    """What one connection asks for. Its methods block; :meth:`cancel` may be called from another thread."""

    def __init__(self, line: Line, workload: Workload) -> None:
        self._line = line
        self._config = line.config
        self._project = f"projects/{quote(str(line.config.get('project') or ''), safe='')}"
        self._workload = workload
        self._location = str(line.config.get("location") or "").strip()
        self._job = ""  # that runs, and must be stopped if nobody wants it any more
        self._stopped = False
        self._pause = threading.Event()

    def tables(self) -> list[Table]:
        """Tables and views of all datasets that the credentials can list."""
        return run(self._tables())

    def columns(self, table: Table) -> Sequence[Mapping[str, Any]]:
        """The fields of one table with their descriptions; no query is run."""
        home, name = quote(table.schema, safe=""), quote(table.name, safe="")
        answer = run(self._line.get(f"{self._project}/datasets/{home}/tables/{name}", {"fields": "schema"}))
        return at(answer, "schema.fields") or []

    def look(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """The fields of a query, which is not run and costs nothing."""
        about = self._dry(sql)
        if about.get("statementType", "SELECT") != "SELECT":
            raise QueryError(
                f"{about['statementType']} is no query.", hint="A model is a single SELECT that only reads."
            )
        return at(about, "schema.fields") or []

    def kind(self, sql: str) -> str:
        """What BigQuery takes a statement for, which is not run: INSERT, MERGE, CREATE_TABLE_AS_SELECT, SCRIPT."""
        return str(self._dry(sql).get("statementType") or "")

    def pages(self, sql: str, rows: int) -> Iterator[list[Any]]:
        """Run a query; its rows in pages of at most so many."""
        for page in self._answers(sql, rows, "rows"):
            if found := page.get("rows"):
                yield found

    def write(self, sql: str) -> int:
        """Run a statement that writes; the number of rows it touched, -1 where BigQuery does not say."""
        job = ""
        for page in self._answers(sql, 1, "jobReference.jobId"):
            job = str(at(page, "jobReference.jobId") or "")
        asked = {"location": self._location or None, "fields": "statistics.query.numDmlAffectedRows"}
        told = at(run(self._line.get(f"{self._project}/jobs/{job}", asked)), "statistics.query.numDmlAffectedRows")
        return -1 if told is None else int(told)

    def small(self, sql: str) -> tuple[Sequence[Mapping[str, Any]], list[Any]]:
        """The fields and all rows of a query that has few."""
        pages = list(self._answers(sql, 10_000, "schema.fields,rows"))
        fields = next((at(page, "schema.fields") for page in pages if page.get("schema")), None) or []
        return fields, [row for page in pages for row in page.get("rows") or ()]

    def named(self, dataset: str) -> list[str]:
        """The tables of one dataset."""
        return [table.name for table in run(self._of(dataset, asyncio.Semaphore(1)))]

    def load(self, dataset: str, table: str, lines: bytes) -> None:
        """Append rows, as JSON a line each, to a table that is there."""
        job = self._job = f"headrace_{secrets.token_hex(12)}"
        place = {"projectId": self._config.get("project"), "datasetId": dataset, "tableId": table}
        told = {
            "jobReference": {"jobId": job, **({"location": self._location} if self._location else {})},
            "configuration": {
                "load": {
                    "destinationTable": place,
                    "sourceFormat": "NEWLINE_DELIMITED_JSON",
                    "writeDisposition": "WRITE_APPEND",
                    "createDisposition": "CREATE_NEVER",
                }
            },
        }
        mark = secrets.token_hex(16)
        head = f"--{mark}\r\nContent-Type: application/json\r\n\r\n{json.dumps(told)}\r\n"
        head += f"--{mark}\r\nContent-Type: application/octet-stream\r\n\r\n"
        body = head.encode() + lines + f"\r\n--{mark}--".encode()
        path = f"{ORIGIN}/upload/bigquery/v2/{self._project}/jobs"
        begun = run(
            self._line.send(
                "POST",
                path,
                body=body,
                content_type=f"multipart/related; boundary={mark}",
                query={"uploadType": "multipart"},
            )
        ).json()
        self._location = str(at(begun, "jobReference.location") or self._location)
        while at(begun, "status.state") != "DONE":
            if self._pause.wait(_LOOK_S):
                raise refusal("stopped", "")
            begun = run(self._line.get(f"{self._project}/jobs/{job}", {"location": self._location or None}))
        self._job = ""
        if failed := at(begun, "status.errorResult"):
            raise refusal(str(failed.get("reason") or ""), str(failed.get("message") or ""))

    def _dry(self, sql: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = at(self._insert(sql, {"dryRun": True}), "statistics.query") or {}
        return found

    def _answers(self, sql: str, rows: int, fields: str) -> Iterator[Mapping[str, Any]]:
        """Run a statement; its answers page by page, with these fields."""
        limit = self._config.get("statement_timeout")
        job = self._job = f"headrace_{secrets.token_hex(12)}"
        self._insert(sql, {"jobTimeoutMs": str(int(limit) * 1_000)} if limit else {})
        asked = {
            "maxResults": rows,
            "timeoutMs": _WAIT_MS,
            "location": self._location or None,
            "formatOptions.useInt64Timestamp": "true",
            "fields": f"jobComplete,pageToken,{fields}",
        }
        token = None
        while True:
            page = self._page(job, {**asked, "pageToken": token})
            if not page.get("jobComplete"):
                continue
            self._job = ""
            yield page
            if not (token := page.get("pageToken")):
                return

    def cancel(self) -> None:
        """Ask for no more pages, and stop the job where it still runs."""
        self._stopped = True
        self._pause.set()
        job, self._job = self._job, ""
        if job:
            with suppress(ConnectorError):
                asked = {"location": self._location or None}
                run(self._line.post(f"{self._project}/jobs/{job}/cancel", query=asked))

    def _page(self, job: str, asked: Mapping[str, Any]) -> Any:
        for tried in range(_TRIES):
            if self._stopped:
                raise refusal("stopped", "")
            try:
                # Pages are large: they are made Python here, and not where other requests wait for their turn.
                response = run(self._line.send("GET", f"{self._project}/queries/{job}", query=asked))
                return response.json()
            except RateLimited:
                raise
            except Unavailable:
                if tried + 1 == _TRIES:
                    raise
        return {}

    def _insert(self, sql: str, more: Mapping[str, Any]) -> Any:
        query: dict[str, Any] = {"query": sql, "useLegacySql": False}
        if most := self._config.get("most_billed"):
            query["maximumBytesBilled"] = str(int(most) * _GB)
        labels = {"application": "headrace", "workload": self._workload.value}
        reference = {"jobId": self._job, "location": self._location}
        body = {
            "jobReference": {name: value for name, value in reference.items() if value},
            "configuration": {**more, "labels": labels, "query": query},
        }
        job = run(self._line.post(f"{self._project}/jobs", body))
        if failed := at(job, "status.errorResult"):
            self._job = ""
            raise refusal(str(failed.get("reason") or ""), str(failed.get("message") or ""))
        # Where nobody said which, BigQuery found the location by the tables; everything else about the job names it.
        self._location = str(at(job, "jobReference.location") or self._location)
        return job

    async def _tables(self) -> list[Table]:
        homes = [
            str(at(found, "datasetReference.datasetId"))
            async for found in self._line.pages(
                f"{self._project}/datasets",
                "datasets",
                _next,
                {"maxResults": 1_000, "fields": "nextPageToken,datasets/datasetReference"},
            )
        ]
        turns = asyncio.Semaphore(_AT_ONCE)
        listed = await asyncio.gather(*(self._of(home, turns) for home in sorted(homes) if home not in _HIDDEN))
        return [table for tables in listed for table in tables]

    async def _of(self, home: str, turns: asyncio.Semaphore) -> list[Table]:
        asked = {"maxResults": 1_000, "fields": "nextPageToken,tables(tableReference,type)"}
        path = f"{self._project}/datasets/{quote(home, safe='')}/tables"
        async with turns:
            found = [
                (str(at(one, "tableReference.tableId")), one.get("type"))
                async for one in self._line.pages(path, "tables", _next, asked)
            ]
        return [Table(home, name, "view" if kind in _VIEWS else "table") for name, kind in sorted(found)]


def _next(answer: Any) -> Mapping[str, str] | None:
    token = answer.get("nextPageToken")
    return {"pageToken": token} if token else None


def position(message: str, sql: str) -> int | None:
    """The offset in ``sql`` of the line and column that BigQuery names."""
    found = _PLACE.search(message)
    if not found:
        return None
    lines = sql.splitlines(keepends=True)
    line = int(found["line"]) - 1
    return sum(map(len, lines[:line])) + int(found["column"]) - 1 if line < len(lines) else None


def refusal(reason: str, said: str) -> ConnectorError:
    """BigQuery's reason and words as one of our errors."""
    said = " ".join(said.split())
    for reasons, make in _MEANINGS:
        if reason in reasons:
            return make(said)
    if re.search(r"Unrecognized name: f\d+_\b", said):
        return QueryError(said, hint="A column of the query has no name: give it one, with SELECT … AS name.")
    return QueryError(said)


def _stopped(said: str) -> ConnectorError:
    return _slow(said) if "timed out" in said.lower() else QueryError("The query was cancelled.")


def _slow(said: str) -> ConnectorError:
    return QueryError(said, hint="Raise the query time limit of this source, or make the query lighter.")


def _denied(said: str) -> ConnectorError:
    return AuthError(
        said,
        hint="Grant the account BigQuery Job User on the project, and BigQuery Data Viewer on the datasets to read.",
    )


def _missing(said: str) -> ConnectorError:
    if "Project" in said:
        return ConfigError(said, field="project", hint="Give the project's ID, which may differ from its name.")
    if "location" in said and "Dataset" in said:
        return QueryError(
            said, hint="Check the dataset's name and the location of this source: one query, one location."
        )
    return QueryError(said)


_MEANINGS: tuple[tuple[tuple[str, ...], Callable[[str], ConnectorError]], ...] = (
    (("stopped",), _stopped),
    (("timeout",), _slow),
    (("accessDenied", "insufficientPermissions", "forbidden"), _denied),
    (("notFound",), _missing),
    (
        ("accessNotConfigured",),
        lambda said: ConfigError(said, field="project", hint="Enable the BigQuery API in this project."),
    ),
    (
        ("billingNotEnabled", "billingNotEnabledForProject"),
        lambda said: ConfigError(said, field="project", hint="Link the project to a billing account."),
    ),
    (
        ("bytesBilledLimitExceeded",),
        lambda said: QueryError(said, hint="Raise what a query may read in this source, or let the query read less."),
    ),
    (
        ("quotaExceeded", "rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded"),
        lambda said: RateLimited(said, hint="A quota of the project is used up: see its Quotas page in Google Cloud."),
    ),
    (
        ("backendError", "internalError", "jobBackendError", "jobInternalError", "tableUnavailable"),
        lambda said: Unavailable(said, hint="BigQuery failed: the next run starts over."),
    ),
)
