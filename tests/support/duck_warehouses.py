"""DuckDB behind the HTTP interfaces of warehouses that cannot run here, each as its vendor documents it.

What they show is that a source speaks the protocol, pages, cancels and reads types; the SQL is another engine's.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any, ClassVar

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from connectors.sdk.rest.sign_in import basic
from tests.support.http import serving

PAGE, PART = 700, 50_000
_WAIT_S = 0.05
LOGIN = {"user": "headrace", "password": "known-password-1"}


class Running:
    """A statement that DuckDB works on in a thread of its own."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, sql: str, dialect: str, limit_s: float | None) -> None:
        self._connection = warehouse.cursor()
        self._sql, self._dialect = sql, dialect
        self._done = threading.Event()
        self.error = self.stopped = ""
        self.names: list[tuple[str, str]] = []
        self.rows: list[tuple[Any, ...]] = []
        self._timer = threading.Timer(limit_s, self.stop, ("too long",)) if limit_s else None
        if self._timer:
            self._timer.start()
        threading.Thread(target=self._run, daemon=True).start()

    def done(self, within: float = _WAIT_S) -> bool:
        return self._done.wait(within)

    def stop(self, why: str) -> None:
        self.stopped = self.stopped or why
        self._connection.interrupt()

    def _run(self) -> None:
        try:
            trees = [tree for tree in sqlglot.parse(self._sql, read=self._dialect) if tree is not None]
            if len(trees) != 1:
                self.error = "one statement at a time"
                return
            self._connection.execute("SET TimeZone = 'UTC'")
            self._connection.execute(trees[0].transform(_in_duckdb).sql(dialect="duckdb"))
            self.names = [(d[0], str(d[1])) for d in self._connection.description or ()]
            self.rows = self._connection.fetchall()
        except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
            self.error = self.error or str(error)
        finally:
            if self._timer:
                self._timer.cancel()
            self._done.set()


def _in_duckdb(node: exp.Expr) -> exp.Expr:
    """What sqlglot has no translation for."""
    if isinstance(node, exp.FromJson):
        return exp.cast(exp.cast(node.this, "JSON"), exp.DataType.build(node.expression.name, dialect="databricks"))
    if isinstance(node, exp.Cast) and node.to.is_type("json"):
        return exp.Anonymous(this="to_json", expressions=[node.this.transform(_in_duckdb)])
    return node


class Server(BaseHTTPRequestHandler):
    """What all have in common: statements by their number, and JSON."""

    warehouse: ClassVar[duckdb.DuckDBPyConnection]
    running: ClassVar[dict[str, Running]]
    numbers: ClassVar[Iterator[int]] = count(1)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def begin(self, sql: str, dialect: str, limit_s: float | None) -> str:
        key = f"s{next(self.numbers)}"
        self.running[key] = Running(self.warehouse, sql, dialect, limit_s)
        return key

    def say(self, status: int, told: Any) -> None:
        self.send_bytes(status, json.dumps(told, default=str).encode(), "application/json")

    def send_bytes(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests need no access log."""


@contextmanager
def _served(server: type[Server], seed: Sequence[str]) -> Iterator[int]:
    """The port of a server over a DuckDB of its own."""
    with duckdb.connect() as warehouse:
        for statement in seed:
            warehouse.execute(statement)
        running: dict[str, Running] = {}
        with serving(type("Handler", (server,), {"warehouse": warehouse, "running": running})) as port:
            yield port
        for work in running.values():
            work.stop("cancelled")
            work.done(10.0)


_TRINO = {
    "BIGINT": "bigint", "INTEGER": "integer", "SMALLINT": "smallint", "TINYINT": "tinyint", "DOUBLE": "double",
    "FLOAT": "real", "BOOLEAN": "boolean", "VARCHAR": "varchar", "DATE": "date", "TIMESTAMP": "timestamp(6)",
    "TIMESTAMP WITH TIME ZONE": "timestamp(6) with time zone", "BLOB": "varbinary", "JSON": "json", "UUID": "uuid",
    "HUGEINT": "decimal(38,0)", "TIME": "time(6)",
}  # fmt: skip


class Trino(Server):
    """The client protocol: a statement, and pages until there is no next one."""

    def do_POST(self) -> None:
        if self.headers.get("Authorization") != basic(*LOGIN.values()):
            return self.send_bytes(401, b"Access Denied: Invalid credentials", "text/plain")
        assert self.headers["X-Trino-Time-Zone"] == "UTC"
        sql = self.body().decode().replace("system.jdbc.", "jdbc.")  # DuckDB keeps that name to itself
        if self.headers.get("X-Trino-Catalog") != "stand":
            return self.say(
                200, {"id": "s0", "error": _trino_error("Catalog 'elsewhere' not found", "CATALOG_NOT_FOUND")}
            )
        limit = re.search(r"query_max_run_time=(\d+)s", self.headers.get("X-Trino-Session") or "")
        return self._page(self.begin(sql, "trino", float(limit[1]) if limit else None), 0)

    def do_GET(self) -> None:
        key, number = self.path.split("/")[-2:]
        self._page(key, int(number))

    def do_DELETE(self) -> None:
        self.running[self.path.split("/")[-2]].stop("cancelled")
        self.send_bytes(204, b"", "text/plain")

    def _page(self, key: str, number: int) -> None:
        work = self.running[key]
        told: dict[str, Any] = {"id": key, "stats": {"state": "RUNNING"}}
        here = f"http://{self.headers['Host']}/v1/statement/executing/{key}"
        if not work.done():
            return self.say(200, {**told, "nextUri": f"{here}/{number}"})
        if work.error:
            name = {"cancelled": "USER_CANCELED", "too long": "EXCEEDED_TIME_LIMIT"}.get(work.stopped, "SYNTAX_ERROR")
            return self.say(200, {**told, "error": _trino_error(work.error, name)})
        told["columns"] = [{"name": name, "type": _trino_type(kind)} for name, kind in work.names]
        if work.names == [("Count", "BIGINT")]:  # what DuckDB says of rows that were written
            told["updateCount"] = work.rows[0][0] if work.rows else 0
        rows = work.rows[number * PAGE : (number + 1) * PAGE]
        if rows:
            told["data"] = [[_trino_value(value) for value in row] for row in rows]
        if len(work.rows) > (number + 1) * PAGE:
            told["nextUri"] = f"{here}/{number + 1}"
        return self.say(200, told)


def _trino_error(words: str, name: str) -> dict[str, Any]:
    kind = "INSUFFICIENT_RESOURCES" if name == "EXCEEDED_TIME_LIMIT" else "USER_ERROR"
    return {"message": words, "errorName": name, "errorType": kind, "errorCode": 1}


def _trino_type(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return kind.lower()
    return _TRINO.get(kind) or ("array(bigint)" if kind.endswith("[]") else "row(x bigint)")


def _trino_value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    return value if isinstance(value, bool | int | float) or value is None else str(value)


@contextmanager
def a_trino(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The settings of a source that reads the catalog ``stand``, filled by DuckDB's statements."""
    with _served(Trino, (*_JDBC, *seed)) as port:
        yield {"host": "127.0.0.1", "port": port, "catalog": "stand", "unencrypted": True, **LOGIN}


# What Trino tells of its tables and columns.
_JDBC = (
    "CREATE SCHEMA jdbc",
    "CREATE MACRO at_timezone(moment, zone) AS timezone(zone, moment)",
    "CREATE VIEW jdbc.tables AS SELECT 'stand' AS table_cat, schema_name AS table_schem, table_name, 'TABLE' AS "
    "table_type, comment AS remarks FROM duckdb_tables() WHERE schema_name = 'main'",
    "CREATE VIEW jdbc.columns AS SELECT 'stand' AS table_cat, schema_name AS table_schem, table_name, "
    "column_name, comment AS remarks FROM duckdb_columns() WHERE schema_name = 'main'",
)


_DATABRICKS = {
    "BIGINT": "BIGINT", "INTEGER": "INT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN", "VARCHAR": "STRING", "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP_NTZ", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "BLOB": "BINARY", "HUGEINT": "DECIMAL(38,0)",
}  # fmt: skip
TOKEN = "dapi-known-token-1"


class Databricks(Server):
    """The Statement Execution API with external links, and the storage behind them."""

    def do_POST(self) -> None:
        body = self.body()
        if self.path.endswith("/cancel"):
            self.running[self.path.split("/")[-2]].stop("cancelled")
            return self.say(200, {})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.say(403, {"error_code": "403", "message": "Invalid access token."})
        asked = json.loads(body)
        assert asked["disposition"] == "EXTERNAL_LINKS", asked
        assert asked["format"] == "ARROW_STREAM", asked
        if asked["warehouse_id"] != "known1":
            return self.say(404, {"error_code": "NOT_FOUND", "message": "elsewhere is no SQL warehouse."})
        return self._tell(self.begin(_spoken(asked["statement"]), "databricks", None))

    def do_GET(self) -> None:
        parts = self.path.split("/")
        if parts[1] == "storage":
            assert "Authorization" not in self.headers
            return self.send_bytes(200, _stream(self.running[parts[2]], int(parts[3])), "application/octet-stream")
        if parts[-2] == "chunks":
            link = f"http://{self.headers['Host']}/storage/{parts[-4]}/{parts[-1]}"
            return self.say(200, {"external_links": [{"external_link": link, "chunk_index": int(parts[-1])}]})
        return self._tell(parts[-1])

    def _tell(self, key: str) -> None:
        work = self.running[key]
        if not work.done():
            return self.say(200, {"statement_id": key, "status": {"state": "RUNNING"}})
        if work.stopped:
            return self.say(200, {"statement_id": key, "status": {"state": "CANCELED"}})
        if work.error:
            failed = {"state": "FAILED", "error": {"error_code": "BAD_REQUEST", "message": work.error}}
            return self.say(200, {"statement_id": key, "status": failed})
        columns = [{"name": name, "type_text": _databricks_type(kind)} for name, kind in work.names]
        if work.names == [("Count", "BIGINT")]:  # what DuckDB says of rows that were written
            columns = [{"name": "num_affected_rows", "type_text": "BIGINT"}]
        parts = -(-len(work.rows) // PART)
        manifest = {"schema": {"columns": columns}, "total_chunk_count": parts}
        return self.say(200, {"statement_id": key, "status": {"state": "SUCCEEDED"}, "manifest": manifest})


def _databricks_type(kind: str) -> str:
    if kind.endswith("[]"):
        return f"ARRAY<{_databricks_type(kind[:-2])}>"
    return _DATABRICKS.get(kind) or kind


def _spoken(sql: str) -> str:
    """What DuckDB has no words for, in its own."""
    if found := re.fullmatch(r"SHOW TABLES IN `(\w+)`", sql):
        return f"SELECT schema_name, table_name, false FROM duckdb_tables() WHERE schema_name = '{found[1]}'"
    if found := re.fullmatch(r"DESCRIBE TABLE `main`\.`(.*)`", sql):
        name = found[1].replace("``", "`").replace("'", "''")
        return f"SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = '{name}'"
    return sql


def _stream(work: Running, number: int) -> bytes:
    rows = work.rows[number * PART : (number + 1) * PART]
    arrays = [pa.array([row[i] for row in rows]) for i in range(len(work.names))]
    batch = pa.RecordBatch.from_arrays(arrays, names=[name for name, _ in work.names])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


@contextmanager
def a_databricks(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The settings of a source that reads the schema ``main``, filled by DuckDB's statements."""
    with _served(Databricks, seed) as port:
        routes = {"https://stand.databricks.test": f"http://127.0.0.1:{port}"}
        login = {"sign_in": "token", "access_token": TOKEN, "http_path": "/sql/1.0/warehouses/known1"}
        yield {"host": "stand.databricks.test", "port": 443, "schema": "main", **login, "routes": routes}


KEY = {"access_key_id": "AKIAKNOWN000000000001", "secret_access_key": "known-secret-1"}
_RESULTS = "s3://results/athena/"


class Athena(Server):
    """Athena's JSON protocol, and the objects in S3 that its results are; ``managed`` workgroups keep them inside."""

    objects: ClassVar[dict[str, bytes]]

    def do_POST(self) -> None:
        asked = json.loads(self.body())
        if f"Credential={KEY['access_key_id']}/" not in (self.headers.get("Authorization") or ""):
            self._refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
            return
        operation = self.headers["X-Amz-Target"].removeprefix("AmazonAthena.")
        getattr(self, f"_{operation}")(asked)

    def do_GET(self) -> None:
        found = self.objects.get(self.path)
        if found is None:
            return self.send_bytes(404, b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>", "text/xml")
        return self.send_bytes(200, found, "text/csv")

    def do_DELETE(self) -> None:
        self.objects.pop(self.path, None)
        self.send_bytes(204, b"", "text/xml")

    def _refuse(self, code: str, message: str) -> None:
        self.say(400, {"__type": code, "Message": message})

    def _StartQueryExecution(self, asked: dict[str, Any]) -> None:  # noqa: N802 - the operation's name
        if asked["WorkGroup"] not in ("primary", "managed"):
            return self._refuse("InvalidRequestException", f"WorkGroup {asked['WorkGroup']} is not found.")
        if asked["QueryExecutionContext"]["Catalog"] != "stand":
            return self._refuse("InvalidRequestException", "The specified data catalog could not be found.")
        assert len(asked["QueryString"]) <= 262_144
        key = self.begin(asked["QueryString"], "trino", None)
        if asked["WorkGroup"] == "managed":
            self.running[f"managed-{key}"] = self.running[key]
            key = f"managed-{key}"
        return self.say(200, {"QueryExecutionId": key})

    def _StopQueryExecution(self, asked: dict[str, Any]) -> None:  # noqa: N802
        self.running[asked["QueryExecutionId"]].stop("cancelled")
        self.say(200, {})

    def _GetQueryExecution(self, asked: dict[str, Any]) -> None:  # noqa: N802
        key = asked["QueryExecutionId"]
        work = self.running[key]
        status: dict[str, Any] = {"State": "RUNNING"}
        place = {} if key.startswith("managed") else {"OutputLocation": f"{_RESULTS}{key}.csv"}
        if work.done():
            status["State"] = "CANCELLED" if work.stopped else "FAILED" if work.error else "SUCCEEDED"
            status["StateChangeReason"] = f"SYNTAX_ERROR: line 1:1: {work.error}"
            if place and not work.error:
                self.objects.setdefault(f"/results/athena/{key}.csv", _athena_csv(work))
        self.say(200, {"QueryExecution": {"QueryExecutionId": key, "Status": status, "ResultConfiguration": place}})

    def _GetQueryResults(self, asked: dict[str, Any]) -> None:  # noqa: N802
        work = self.running[asked["QueryExecutionId"]]
        lines = [tuple(name for name, _ in work.names), *work.rows]
        begin, most = int(asked.get("NextToken") or 0), min(asked["MaxResults"], PAGE)
        page = lines[begin : begin + most]
        told: dict[str, Any] = {
            "ResultSet": {
                "Rows": [{"Data": [_athena_cell(value) for value in line]} for line in page],
                "ResultSetMetadata": {"ColumnInfo": [_athena_column(*column) for column in work.names]},
            }
        }
        if begin + most < len(lines):
            told["NextToken"] = str(begin + most)
        self.say(200, told)

    def _ListTableMetadata(self, asked: dict[str, Any]) -> None:  # noqa: N802
        names = self._asked_of("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' ORDER BY 1")
        begin = int(asked.get("NextToken") or 0)  # one a page, so that the pages are walked
        told: dict[str, Any] = {"TableMetadataList": [{"Name": names[begin][0], "TableType": "EXTERNAL_TABLE"}]}
        if begin + 1 < len(names):
            told["NextToken"] = str(begin + 1)
        self.say(200, told)

    def _ListWorkGroups(self, asked: dict[str, Any]) -> None:  # noqa: N802
        self.say(200, {"WorkGroups": [{"Name": "managed"}, {"Name": "primary"}]})

    def _ListDataCatalogs(self, asked: dict[str, Any]) -> None:  # noqa: N802
        self.say(200, {"DataCatalogsSummary": [{"CatalogName": "stand", "Type": "GLUE"}]})

    def _ListDatabases(self, asked: dict[str, Any]) -> None:  # noqa: N802
        self.say(200, {"DatabaseList": [{"Name": "main"}] if asked["CatalogName"] == "stand" else []})

    def _GetTableMetadata(self, asked: dict[str, Any]) -> None:  # noqa: N802
        found = self._asked_of(
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?", asked["TableName"]
        )
        columns = [{"Name": name, "Type": "string", "Comment": comment or ""} for name, comment in found]
        self.say(200, {"TableMetadata": {"Name": asked["TableName"], "Columns": columns}})

    def _asked_of(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        return self.warehouse.cursor().execute(sql, values).fetchall()


def _athena_column(name: str, kind: str) -> dict[str, Any]:
    native = _trino_type(kind)
    found = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", native)
    precision, scale = (int(found[1]), int(found[2])) if found else (0, 0)
    plain = "decimal" if found else re.sub(r"\(\d+\)", "", native.partition("(bigint)")[0])
    return {"Name": name, "Type": plain, "Precision": precision, "Scale": scale}


def _athena_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    said = _trino_value(value)
    return None if said is None else str(said)


def _athena_cell(value: Any) -> dict[str, str]:
    text = _athena_text(value)
    return {} if text is None else {"VarCharValue": text}


def _athena_csv(work: Running) -> bytes:
    """As the service writes it: every value in quotes, and nothing at all for NULL."""
    lines = [tuple(name for name, _ in work.names), *work.rows]
    texts = ([_athena_text(value) for value in line] for line in lines)
    quoted = (["" if text is None else '"' + text.replace('"', '""') + '"' for text in line] for line in texts)
    return "".join(",".join(line) + "\n" for line in quoted).encode()


@contextmanager
def an_athena(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The settings of a source that reads the catalog ``stand``, filled by DuckDB's statements."""
    objects: dict[str, bytes] = {}
    with _served(type("Athena", (Athena,), {"objects": objects}), (*_JDBC[1:2], *seed)) as port:
        where = {"catalog": "stand", "database": "main", "workgroup": "primary", "region": "eu-central-1"}
        yield {"endpoint": f"http://127.0.0.1:{port}", **where, **KEY}
    assert not [path for path in objects if not path.endswith(".metadata")], "results were left in S3"
