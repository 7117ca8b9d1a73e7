"""Talking to Teradata with its driver: connections, what each failure means, and how its types are read.

The driver dials in compiled code, so it goes through a port of ours, encrypted connections as through an HTTP proxy.
It also carries out commands inside of SQL (``{fn teradata_…}``), some of which write files of this machine: people's
braces never reach it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa

from connectors.sdk.arrow import check_calendar
from connectors.sdk.context import Environment
from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.net.relay import proxied, relayed
from connectors.sdk.readings import Described, Reading
from connectors.sdk.text_columns import text_column
from connectors.sdk.tunnels import route
from connectors.sdk.types import Column, ColumnType

PACKAGE = "teradatasql"
CONNECT_MS = 10_000
_TLS_PORT, _PORT = 443, 1025
_ONLY_PREPARED = "{fn teradata_rpo(S)}"
_TAGS = re.compile(r"\[[^\]]*\]\s*")
_CODE = re.compile(r"\[Error (\d+)\]")

Connection = Any  # the driver's, which may not be installed


def connector() -> Any:
    """The driver."""
    return driver("teradatasql", PACKAGE)


@contextmanager
def connect(config: Mapping[str, Any], environment: Environment) -> Iterator[Connection]:
    """A connection, logged in; raises typed errors."""
    host = str(config.get("host") or "").strip()
    if not host:
        raise ConfigError("Give the host.", field="host")
    library = connector()
    with _way(config, host, environment) as place:
        try:
            connection = library.connect(
                **place,
                user=str(config.get("user") or ""),
                password=str(config.get("password") or ""),
                cop=False,  # it would look for other hosts by names of its own
                redrive=0,  # it would dial again by itself
                connect_timeout=CONNECT_MS,
                request_timeout=int(config.get("statement_timeout") or 0),
                teradata_values=False,  # dates and decimals as the text that the server wrote
            )
        except library.Error as error:
            raise connect_error(error, host) from error
        try:
            yield connection
        finally:
            with suppress(library.Error):
                connection.close()


@contextmanager
def _way(config: Mapping[str, Any], host: str, environment: Environment) -> Iterator[dict[str, Any]]:
    """What the driver is told to connect to."""
    mode = str(config.get("sslmode") or "require")
    if mode == "disable":
        with relayed(environment, host, int(config.get("port") or _PORT)) as local:
            yield {"host": "127.0.0.1", "dbs_port": local, "sslmode": "DISABLE"}
        return
    port = int(config.get("port") or _TLS_PORT)
    route(environment, host, port)  # the proxy would judge it, in words of the driver's
    authority = base64.urlsafe_b64encode(str(config.get("ca") or "").encode()).decode().rstrip("=")
    with proxied(environment) as proxy:
        yield {
            "host": host,
            "https_port": port,
            "dbs_port": _PORT if port != _PORT else _PORT - 1,  # the two must differ; only the other one is called
            "sslmode": mode.upper(),
            "https_proxy": f"http://127.0.0.1:{proxy}",
            "http_proxy": f"http://127.0.0.1:{proxy}",  # for lists of revoked certificates
            **({"sslbase64": authority} if authority else {}),
        }


def described_by(connection: Connection, sql: str) -> list[Described]:
    """The columns of a query, which the server prepares and does not run."""
    cursor = connection.cursor()
    cursor.execute(_ONLY_PREPARED + _braceless(sql))
    return [_described(*found) for found in zip(cursor.description or (), cursor.columntypename or (), strict=True)]


def run(connection: Connection, sql: str) -> Any:
    """A cursor over a query's rows."""
    cursor = connection.cursor()
    cursor.execute(_braceless(sql))
    return cursor


def _braceless(sql: str) -> str:
    if "{" in sql:
        raise QueryError(
            "The query holds a brace, which the driver would take for a command of its own.",
            position=sql.index("{"),
            hint="Write it as CHR(123), and give columns names without braces.",
        )
    return sql


def _described(column: Sequence[Any], native: str) -> Described:
    name, precision, scale, nullable = column[0], column[4], column[5], column[6]
    kind = native.upper().partition("(")[0].strip()
    if kind == "DECIMAL" and precision and precision <= 38:
        reading, native = (
            Reading(ColumnType.NUMBER, pa.decimal128(precision, scale or 0)),
            f"{kind}({precision},{scale})",
        )
    else:
        reading = _READINGS.get(kind, _TEXT)
    if "WITH TIME ZONE" in native.upper() and kind == "TIMESTAMP":
        reading = _MOMENT
    return Described(Column(name, reading.type, native, "", bool(nullable)), reading)


def batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """The driver's rows as the schema says; :class:`QueryError` names the column of a value that does not fit."""
    columns = zip(*rows, strict=True)
    arrays = [_carried(field, values) for field, values in zip(schema, columns, strict=True)]
    ready = pa.RecordBatch.from_arrays(arrays, schema=schema)
    check_calendar(ready)
    return ready


def _carried(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
        return pa.array(values, field.type)
    return text_column(field, [v.hex() if isinstance(v, bytes) else None if v is None else str(v) for v in values])


def connect_error(error: Exception, host: str) -> ConnectorError:
    """Why no connection came about, and what to change."""
    code, words = _said(error)
    if code in (8017, 3002, 3003, 3055):
        return AuthError(words, hint="Check user and password, and that the user may log on from this machine.")
    if "certificate" in str(error).lower() or "x509" in str(error):
        hint = "Upload the certificate authority of this server, and use the host name it certifies."
        return ConfigError(words, field="sslmode", hint=hint)
    hint = "Check host, port and encryption: encrypted connections use port 443, others 1025."
    return Unavailable(f"{host}: {words}", hint=hint)


def statement_error(error: Exception) -> ConnectorError:
    """Teradata's refusal of a statement, in its own words."""
    code, words = _said(error)
    if code in (3110, 3111):
        return QueryError("The query was cancelled.")
    if "timeout" in words.lower() or "timed out" in words.lower():
        return QueryError(words, hint="Raise the query time limit of this source, or make the query lighter.")
    if code in (3523, 5315):
        return AuthError(words, hint="Grant this user SELECT on the table.")
    if not code or "08" in re.findall(r"\[SQLState (\d\d)", str(error)):
        return Unavailable(words, hint="The connection broke off: the next run starts over.")
    return QueryError(words)


def _said(error: Exception) -> tuple[int, str]:
    """The number of an error, and its words without the stack of the driver's own code."""
    text = str(error)
    code = _CODE.search(text)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(" at ")]
    return int(code[1]) if code else 0, " ".join(_TAGS.sub("", " ".join(lines)).split())


_TEXT = Reading(ColumnType.STRING, pa.string())
_INTEGER = Reading(ColumnType.NUMBER, pa.int64())
_MOMENT = Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC"))
_READINGS = {
    "BYTEINT": _INTEGER,
    "SMALLINT": _INTEGER,
    "INTEGER": _INTEGER,
    "BIGINT": _INTEGER,
    "FLOAT": Reading(ColumnType.NUMBER, pa.float64()),
    "NUMBER": Reading(ColumnType.NUMBER, pa.string()),
    "DECIMAL": Reading(ColumnType.NUMBER, pa.string()),
    "DATE": Reading(ColumnType.DATE, pa.date32()),
    "TIMESTAMP": Reading(ColumnType.TIMESTAMP, pa.timestamp("us")),
    "TIMESTAMP WITH TIME ZONE": _MOMENT,
    "JSON": Reading(ColumnType.OBJECT, pa.string()),
}
