"""What BigQuery's stand-in cannot do: run for long, be stopped, and refuse in BigQuery's own ways."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.sdk.bigquery import ORIGIN
from connectors.sdk.context import Environment, Workload
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, RateLimited, Unavailable
from connectors.sdk.rest.google_sign_in import TOKENS
from connectors.sdk.types import Table
from connectors.sources.bigquery import BigQuerySource
from connectors.sources.bigquery_iceberg import ORIGIN as BIGLAKE
from connectors.sources.bigquery_iceberg import BigQueryIcebergSource
from tests.connectors.sources.reading import rows
from tests.support.bigquery import service_account_key
from tests.support.http import serving

FIELDS = {"schema": {"fields": [{"name": "i", "type": "INTEGER", "mode": "REQUIRED", "description": "Number"}]}}
DRY = {"statistics": {"query": {"statementType": "SELECT", **FIELDS}}}
WAITS = {"jobComplete": False}


class BigQuery(BaseHTTPRequestHandler):
    """Hands out tokens, takes jobs, and answers requests for rows as ``pages`` say: a status and what it holds."""

    protocol_version = "HTTP/1.1"
    jobs: list[Any]
    asked: list[Any]
    pages: list[tuple[int, Any]]
    dry: tuple[int, Any]
    taken: tuple[int, Any]
    cancelled: threading.Event

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path.startswith("/token"):
            return self._answer(200, {"access_token": "t", "expires_in": 3600})
        if "/cancel" in self.path:
            self.cancelled.set()
            return self._answer(200, {})
        job = json.loads(body)
        self.jobs.append(job)
        if job["configuration"].get("dryRun"):
            return self._answer(*self.dry)
        return self._answer(*self.taken)

    def do_GET(self) -> None:
        if "/tables/" in self.path:
            return self._answer(200, FIELDS)
        self.asked.append((urlsplit(self.path).path.rpartition("/")[2], parse_qs(urlsplit(self.path).query)))
        return self._answer(*(self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]))

    def _answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *told: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of one test, with its handler's class to say what it answers."""
    state = {"jobs": [], "asked": [], "pages": [], "cancelled": threading.Event(), "dry": (200, DRY)}
    handler: Any = type("Handler", (BigQuery,), {**state, "taken": (200, {"jobReference": {"location": "EU"}})})
    with serving(handler) as port:
        handler.url = f"http://127.0.0.1:{port}"
        yield handler


def opened(server: Any, key: str, **config: Any) -> BigQuerySource:
    routes = {ORIGIN: server.url, TOKENS.rpartition("/")[0]: server.url}
    environment = Environment(outbound_allow=("*",), routes=routes, workload=Workload.BATCH)
    return BigQuerySource({"project": "acme", "service_account_key": key, **config}, environment)


@pytest.fixture(scope="module")
def key() -> str:
    return service_account_key()


def page(*numbers: int, **more: Any) -> tuple[int, Any]:
    return 200, {"jobComplete": True, "rows": [{"f": [{"v": str(n)}]} for n in numbers], **more}


def refused(status: int, reason: str, message: str) -> tuple[int, Any]:
    return status, {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}


def test_a_long_query_is_waited_for_where_it_runs_and_its_limits_and_labels_go_along(server: Any, key: str) -> None:
    broken = (503, {"error": {"message": "backend"}})
    server.pages = [(200, WAITS), broken, page(1, 2, pageToken="more"), page(3)]
    source = opened(server, key, most_billed=5, statement_timeout=60)
    assert [row["i"] for row in rows(source, "SELECT i FROM d.t")] == [1, 2, 3]
    dry, run = server.jobs
    assert dry["configuration"]["dryRun"]
    assert run["configuration"]["jobTimeoutMs"] == "60000"
    assert run["configuration"]["labels"] == {"application": "headrace", "workload": "batch"}
    assert run["configuration"]["query"]["maximumBytesBilled"] == str(5 * 2**30)
    assert {job for job, _ in server.asked} == {run["jobReference"]["jobId"]}
    assert {asked["location"][0] for _, asked in server.asked} == {"EU"}
    assert [asked.get("pageToken") for _, asked in server.asked] == [None, None, None, ["more"]]
    assert not server.cancelled.is_set()


def test_cancelling_stops_the_job_that_runs(server: Any, key: str) -> None:
    server.pages = [(200, WAITS)]
    with opened(server, key).query("SELECT i FROM d.t") as stream:
        stopper = threading.Timer(0.2, stream.cancel)
        stopper.start()
        with pytest.raises(QueryError, match="cancelled"):
            list(stream)
        stopper.join()
    assert server.cancelled.is_set()


def test_columns_of_a_table_have_their_descriptions(server: Any, key: str) -> None:
    (column,) = opened(server, key).columns(Table("d", "t"))
    assert (column.name, column.native_type, column.description, column.nullable) == ("i", "INT64", "Number", False)


@pytest.mark.parametrize(
    ("answer", "expected", "hint"),
    [
        (refused(403, "accessDenied", "Access Denied: Table d.t"), AuthError, "Data Viewer"),
        (refused(403, "accessNotConfigured", "BigQuery API has not been used"), ConfigError, "Enable"),
        (refused(403, "billingNotEnabled", "Billing has not been enabled"), ConfigError, "billing account"),
        (refused(403, "quotaExceeded", "Quota exceeded"), RateLimited, "Quotas"),
        (refused(404, "notFound", "Not found: Project acme"), ConfigError, "ID"),
        (refused(404, "notFound", "Not found: Dataset acme:d was not found in location US"), QueryError, "location"),
        (refused(400, "bytesBilledLimitExceeded", "Query exceeded limit"), QueryError, "may read"),
        (refused(400, "stopped", "Job execution was cancelled: Job timed out after 1s"), QueryError, "time limit"),
        (refused(400, "invalidQuery", "Unrecognized name: f0_ at [1:8]"), QueryError, "AS name"),
        (refused(400, "invalidQuery", "No matching signature for operator !="), QueryError, "CAST"),
        ((200, {"status": {"errorResult": {"reason": "backendError", "message": "Oops"}}}), Unavailable, "next run"),
    ],
)
def test_each_refusal_says_what_to_do(server: Any, key: str, answer: Any, expected: Any, hint: str) -> None:
    server.taken = answer
    with pytest.raises(ConnectorError) as caught:
        rows(opened(server, key), "SELECT i FROM d.t")
    assert type(caught.value) is expected
    assert hint in caught.value.hint


def test_the_place_of_a_mistake_is_found_in_the_query(server: Any, key: str) -> None:
    server.dry = refused(400, "invalidQuery", "Unrecognized name: x at [2:3]")
    with pytest.raises(QueryError) as caught:
        opened(server, key).describe("SELECT\n  x")
    assert caught.value.position == len("SELECT\n  ")


def test_what_bigquery_takes_for_no_query_is_refused(server: Any, key: str) -> None:
    server.dry = 200, {"statistics": {"query": {"statementType": "SCRIPT"}}}
    with pytest.raises(QueryError, match="SCRIPT"):
        opened(server, key).describe("SELECT 1 AS x")


class Catalog(BigQuery):
    """BigLake's catalog beside BigQuery: two namespaces, one of them Headrace's own, on two pages."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        assert self.headers["x-goog-user-project"] == "acme"
        base = "/iceberg/v1/restcatalog/v1"
        answers: dict[tuple[str, str], Any] = {
            ("/config", "warehouse=gs%3A%2F%2Facme-ice"): {"overrides": {"prefix": "projects/1/catalogs/acme-ice"}},
            ("/projects/1/catalogs/acme-ice/namespaces", ""): {"namespaces": [["shop"]], "next-page-token": "n"},
            ("/projects/1/catalogs/acme-ice/namespaces", "pageToken=n"): {"namespaces": [["headrace_audit"]]},
            ("/projects/1/catalogs/acme-ice/namespaces/shop/tables", ""): {"identifiers": [{"name": "orders"}]},
        }
        data = json.dumps(answers[path.removeprefix(base), query]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def test_tables_of_an_iceberg_catalog_have_four_parts(key: str) -> None:
    with serving(Catalog) as port:
        here = f"http://127.0.0.1:{port}"
        routes = {BIGLAKE: here, TOKENS.rpartition("/")[0]: here}
        config = {"project": "acme", "service_account_key": key, "warehouse": "gs://acme-ice"}
        found = BigQueryIcebergSource(config, Environment(outbound_allow=("*",), routes=routes)).tables()
    assert found == [Table("acme.acme-ice.shop", "orders")]
