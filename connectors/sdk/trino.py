"""Trino's and Presto's client protocol over HTTP: a statement, its pages, and what each refusal means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from connectors.sdk.context import Workload
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.net.doors import run
from connectors.sdk.rest.api import Api, Line, at
from connectors.sdk.rest.sign_in import Basic, Config

_PAGE_BYTES = 256 << 20
_TRIES = 5  # of a request that the coordinator was too busy for
USER = Text(name="user", label="User", help="A user that may only read is enough.", max_length=300)
PASSWORD = Text(name="password", label="Password", required=False, secret=True)


def _address(config: Config) -> str:
    scheme = "http" if config.get("unencrypted") else "https"
    return f"{scheme}://{str(config.get('host') or '').strip()}:{int(config.get('port') or 443)}"


API = Api(base=_address, sign_in=Basic(user=USER, password=PASSWORD, optional=True), answer_bytes=_PAGE_BYTES)


class Session:
    """Statements of one connection. Its methods block; :meth:`cancel` may be called from another thread."""

    def __init__(self, line: Line, workload: Workload) -> None:
        self._line = line
        self._base = _address(line.config)
        self._headers = _headers(line.config, workload)
        self._next = ""  # where the statement that runs goes on
        self._stopped = False

    def small(self, sql: str) -> list[list[Any]]:
        """All rows of a query that has few."""
        return [row for rows in self.pages(sql) for row in rows]

    def columns(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """The columns of a query that is not run to its end."""
        try:
            for page in self._pages(sql):
                if columns := page.get("columns"):
                    found: Sequence[Mapping[str, Any]] = columns
                    return found
        finally:
            self.cancel()
        return []

    def pages(self, sql: str) -> Iterator[list[list[Any]]]:
        """Run a query; its rows as the coordinator hands them out."""
        for page in self._pages(sql):
            if rows := page.get("data"):
                yield rows

    def run(self, sql: str) -> int:
        """Run a statement that writes; the rows it touched, -1 where the server does not say."""
        touched: Any = None
        for page in self._pages(sql):
            touched = page.get("updateCount", touched)
        return -1 if touched is None else int(touched)

    def cancel(self) -> None:
        """Stop the statement on the server; nothing where none runs."""
        following, self._next, self._stopped = self._next, "", True
        if following:
            with suppress(ConnectorError):
                run(self._line.send("DELETE", following, headers=self._headers, takes=(404, 410)))

    def _pages(self, sql: str) -> Iterator[Mapping[str, Any]]:
        self._stopped = False
        page = self._asked("POST", "/v1/statement", sql.encode())
        while True:
            self._next = self._here(page.get("nextUri"))
            if error := page.get("error"):
                self._next = ""
                raise refusal(error, sql)
            yield page
            if self._stopped:
                self.cancel()
                raise QueryError("The query was cancelled.")
            if not self._next:
                return
            page = self._asked("GET", self._next)

    def _asked(self, method: str, path: str, body: bytes = b"") -> Mapping[str, Any]:
        """One request. A coordinator that is too busy asks for it again; a statement is then not begun twice."""
        for _ in range(_TRIES):
            response = run(
                self._line.send(
                    method, path, body=body, content_type="text/plain", headers=self._headers, takes=(502, 503, 504)
                )
            )
            if response.status == 200:
                page = response.json()
                if isinstance(page, Mapping):
                    return page
                break
            if self._stopped:
                break
        raise Unavailable(
            f"The server answered {response.status}: {response.sample()}",
            hint="What answers there may not be Trino, or its coordinator is overloaded.",
        )

    def _here(self, address: Any) -> str:
        """The next page's path: behind a proxy or a tunnel the coordinator does not know its own address."""
        if not address:
            return ""
        parts = urlsplit(str(address))
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _headers(config: Config, workload: Workload) -> dict[str, str]:
    name = "X-Presto" if config.get("engine") == "presto" else "X-Trino"
    limit = config.get("statement_timeout")
    told = {
        "User": str(config.get("user") or ""),
        "Source": "headrace",
        "Catalog": str(config.get("catalog") or ""),
        "Time-Zone": "UTC",
        "Client-Tags": workload.value,
        "Client-Capabilities": "PARAMETRIC_DATETIME",
        "Session": f"query_max_run_time={int(limit)}s" if limit else "",
    }
    return {f"{name}-{key}": value for key, value in told.items() if value}


def refusal(error: Mapping[str, Any], sql: str) -> ConnectorError:
    """The server's error as one of ours, with the place in ``sql`` where it tells one."""
    words = " ".join(str(error.get("message") or "").split())
    kind, name = str(error.get("errorType") or ""), str(error.get("errorName") or "")
    if name == "PERMISSION_DENIED":
        return AuthError(words, hint="Grant this user SELECT on the table.")
    if name in ("CATALOG_NOT_FOUND", "MISSING_CATALOG_NAME"):
        return ConfigError(words, field="catalog", hint="Check the name of the catalog.")
    if name in ("EXCEEDED_TIME_LIMIT", "EXCEEDED_CPU_LIMIT"):
        return QueryError(words, hint="Raise the query time limit of this source, or make the query lighter.")
    if name == "USER_CANCELED":
        return QueryError("The query was cancelled.")
    if kind in ("INTERNAL_ERROR", "INSUFFICIENT_RESOURCES"):
        return Unavailable(words, hint="The server failed or is short of memory: try again, or make the query lighter.")
    return QueryError(words, position=_position(error, sql))


def _position(error: Mapping[str, Any], sql: str) -> int | None:
    line, column = at(error, "errorLocation.lineNumber"), at(error, "errorLocation.columnNumber")
    lines = sql.splitlines(keepends=True)
    if not isinstance(line, int) or not isinstance(column, int) or not 0 < line <= len(lines):
        return None
    return sum(map(len, lines[: line - 1])) + column - 1
