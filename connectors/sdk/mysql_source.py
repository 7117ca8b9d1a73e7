"""Sources that speak MySQL's protocol: what they share, so that each is little more than its declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa
import pymysql
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.protocol import FieldDescriptorPacket
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConnectorError
from connectors.sdk.fields import TUNNEL, Field, Number, Text
from connectors.sdk.mysql import (
    Connection,
    Server,
    connect,
    kill,
    leave,
    prepared_fields,
    run_fields,
    statement_error,
    stream,
)
from connectors.sdk.readings import Described, Reading
from connectors.sdk.server_settings import TIME_LIMIT, VERIFIED_AUTHORITY, encryption
from connectors.sdk.sql import bare, limit_rows
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.text_columns import text_batch
from connectors.sdk.types import Column, ColumnType, Table

_BINARY = 63  # the character set of what is no text
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys", "headrace_planner", "headrace_audit")


def server_fields(
    *,
    host: str = "db.example.com",
    tunnel: bool = True,
    limit: bool = True,
    user: str = "A user that may only read is enough.",
) -> tuple[Field, ...]:
    """The settings that every server of the family is asked for."""
    fields: tuple[Field, ...] = (
        Text(name="host", label="Host", placeholder=host, max_length=253),
        Number(name="port", label="Port", default=3306, minimum=1, maximum=65_535),
        Text(name="database", label="Database", max_length=64),
        Text(name="user", label="User", help=user, max_length=128),
        Text(name="password", label="Password", required=False, secret=True),
        encryption(),
        VERIFIED_AUTHORITY,
    )
    return (*fields, *((TUNNEL,) if tunnel else ()), *((TIME_LIMIT,) if limit else ()))


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a user that may read one database, nothing more."""
    user = exp.Literal.string(config.get("user") or "headrace").sql(dialect="mysql")
    database = exp.to_identifier(config.get("database") or "your_database", quoted=True).sql(dialect="mysql")
    return "\n".join(
        (
            f"CREATE USER {user}@'%' IDENTIFIED BY 'choose-a-password';",
            f"GRANT SELECT, SHOW VIEW ON {database}.* TO {user}@'%';",
        )
    )


class MySQLReader(SqlSource):
    """One database behind MySQL's protocol, read in a read-only transaction.

    ``session`` are the statements that prepare a connection. With ``prepares`` the server is asked for
    a query's columns without running it.
    """

    failures = (pymysql.Error, OSError)
    session: ClassVar[tuple[str, ...]] = (
        "SET time_zone = '+00:00'",
        "SET SESSION TRANSACTION READ ONLY",
        "START TRANSACTION READ ONLY",
    )
    prepares: ClassVar[bool] = True

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self._server = Server.of(config)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        connection = connect(self._server, self.environment)
        try:
            for statement in (*self._time_limit(connection), *self.session):
                connection.query(statement)
            yield connection
        finally:
            leave(connection)

    def _time_limit(self, connection: Connection) -> Iterator[str]:
        """MariaDB counts in seconds, MySQL in milliseconds."""
        if seconds := self.config.get("statement_timeout"):
            if "MariaDB" in str(connection.get_server_info()):
                yield f"SET SESSION max_statement_time = {int(seconds)}"
            else:
                yield f"SET SESSION max_execution_time = {int(seconds) * 1000}"

    def check(self) -> None:
        """Log in and find something to read."""
        if not self.tables():
            raise AuthError(
                f"Connected, but {self._server.user} may read no table of {self._server.database}.",
                hint="Grant it SELECT on the database.",
            )

    def _tables(self, connection: Connection) -> Sequence[Table]:
        """Tables and views of every database that the user may read."""
        hidden = exp.column("table_schema").isin(*_SYSTEM)
        wanted = (
            exp.select("table_schema", "table_name", "table_type", "table_comment")
            .from_("information_schema.tables")
            .where(exp.not_(hidden))
            .order_by("table_schema", "table_name")
        )
        rows = _texts(connection, wanted.sql(dialect="mysql"))
        return [
            Table(schema, name, "view" if "VIEW" in kind else "table", "" if comment == "VIEW" else comment)
            for schema, name, kind, comment in rows
        ]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments, asked of the table itself."""
        plain = exp.select("*").from_(_named(table)).limit(0)
        with self._opened() as connection:
            return [d.column for d in self._with_comments(connection, run_fields(connection, plain.sql(self.dialect)))]

    def _look(self, connection: Connection, sql: str) -> Sequence[Described]:
        asked = bare(sql, self.dialect)
        try:
            fields = (
                prepared_fields(connection, asked)
                if self.prepares
                else run_fields(connection, limit_rows(sql, 0, self.dialect))
            )
        except self.failures as error:
            raise statement_error(error, asked) from error
        return self._with_comments(connection, fields)

    def _with_comments(self, connection: Connection, fields: Sequence[FieldDescriptorPacket]) -> list[Described]:
        known = self._table_columns(connection, fields)
        return [_described(f, known.get((_text(f.db), f.org_table, f.org_name), ())) for f in fields]

    def _table_columns(
        self, connection: Connection, fields: Sequence[FieldDescriptorPacket]
    ) -> dict[tuple[str, str, str], Sequence[str]]:
        """Type and comment of the table columns that a query's columns come from."""
        tables = sorted({(_text(f.db), f.org_table) for f in fields if f.org_table})
        if not tables:
            return {}
        either = exp.or_(
            *(
                exp.and_(
                    exp.column("table_schema").eq(exp.Literal.string(schema)),
                    exp.column("table_name").eq(exp.Literal.string(name)),
                )
                for schema, name in tables
            )
        )
        wanted = (
            exp.select("table_schema", "table_name", "column_name", "column_type", "column_comment")
            .from_("information_schema.columns")
            .where(either)
        )
        rows = _texts(connection, wanted.sql(dialect="mysql"))
        return {(schema, table, column): rest for schema, table, column, *rest in rows}

    def _rows(self, connection: Connection, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for rows in stream(connection, sql, batch_rows):
            yield text_batch(schema, list(zip(*rows, strict=True)))

    def _cancel(self, connection: Connection) -> None:
        if connection.open:
            kill(self._server, self.environment, connection.thread_id())

    def _leave(self, connection: Connection) -> None:
        result = connection._result
        if result is not None and result.unbuffered_active:
            self._cancel(connection)

    def _told(self, error: Exception) -> ConnectorError:
        return statement_error(error)


def _named(table: Table) -> exp.Table:
    schema = exp.to_identifier(table.schema, quoted=True) if table.schema else None
    return exp.Table(this=exp.to_identifier(table.name, quoted=True), db=schema)


def _texts(connection: Connection, sql: str) -> list[list[str]]:
    connection.query(sql)
    rows = connection._result.rows if connection._result else ()
    return [[_text(value) for value in row] for row in rows or ()]


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _described(field: FieldDescriptorPacket, told: Sequence[str]) -> Described:
    native, comment = told or (_native(field), "")
    found = _reading(field)
    return Described(Column(field.name, found.type, native, comment, nullable=not field.flags & FLAG.NOT_NULL), found)


def _reading(field: FieldDescriptorPacket) -> Reading:
    if field.type_code in _WHOLE:
        signed, unsigned = _WHOLE[field.type_code]
        return Reading(ColumnType.NUMBER, unsigned if field.flags & FLAG.UNSIGNED else signed)
    if field.type_code in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        return Reading(ColumnType.NUMBER, _decimal(field))
    if field.type_code == FIELD_TYPE.BIT:
        return _TRUTH if field.length == 1 else _BITS
    if field.type_code in _BYTES and field.charsetnr == _BINARY:
        return _HEXADECIMAL
    return _READINGS.get(field.type_code, _TEXT)


def _decimal(field: FieldDescriptorPacket) -> pa.DataType:
    """The length counts sign and point as well."""
    digits = field.length - (0 if field.flags & FLAG.UNSIGNED else 1) - (1 if field.scale else 0)
    return (
        pa.decimal128(max(digits, field.scale, 1), field.scale) if digits <= 38 and field.scale <= 38 else pa.string()
    )


def _native(field: FieldDescriptorPacket) -> str:
    words = _NAMES.get(field.type_code, "text")
    return f"{words} unsigned" if field.type_code in _WHOLE and field.flags & FLAG.UNSIGNED else words


def _lower_hex(column: exp.Column) -> exp.Expr:
    return exp.func("lower", exp.func("hex", column))


def _plus_zero(column: exp.Column) -> exp.Expr:
    return exp.Add(this=column, expression=exp.Literal.number(0))


def _exact_float(column: exp.Column) -> exp.Expr:
    # As text the server rounds a FLOAT to six digits; as a DOUBLE it writes all of them.
    return exp.Mul(this=column, expression=exp.Literal.number("1e0"))


def _well_known_text(column: exp.Column) -> exp.Expr:
    return exp.Anonymous(this="ST_AsText", expressions=[column])


_TEXT = Reading(ColumnType.STRING, pa.string())
_HEXADECIMAL = Reading(ColumnType.STRING, pa.string(), _lower_hex)
_TRUTH = Reading(ColumnType.BOOLEAN, pa.bool_(), _plus_zero)
_BITS = Reading(ColumnType.NUMBER, pa.uint64(), _plus_zero)
_WHOLE = {
    FIELD_TYPE.TINY: (pa.int8(), pa.uint8()),
    FIELD_TYPE.SHORT: (pa.int16(), pa.uint16()),
    FIELD_TYPE.INT24: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONG: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONGLONG: (pa.int64(), pa.uint64()),
    FIELD_TYPE.YEAR: (pa.int16(), pa.uint16()),
}
_BYTES = frozenset(
    {FIELD_TYPE.BLOB, FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.STRING}
    | {FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR}
)
_READINGS = {
    FIELD_TYPE.FLOAT: Reading(ColumnType.NUMBER, pa.float64(), _exact_float),
    FIELD_TYPE.DOUBLE: Reading(ColumnType.NUMBER, pa.float64()),
    FIELD_TYPE.DATE: Reading(ColumnType.DATE, pa.date32()),
    FIELD_TYPE.NEWDATE: Reading(ColumnType.DATE, pa.date32()),
    FIELD_TYPE.DATETIME: Reading(ColumnType.TIMESTAMP, pa.timestamp("us")),
    FIELD_TYPE.TIMESTAMP: Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC")),
    FIELD_TYPE.JSON: Reading(ColumnType.OBJECT, pa.string()),
    FIELD_TYPE.GEOMETRY: Reading(ColumnType.STRING, pa.string(), _well_known_text),
}
_NAMES = {
    FIELD_TYPE.TINY: "tinyint", FIELD_TYPE.SHORT: "smallint", FIELD_TYPE.INT24: "mediumint", FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint", FIELD_TYPE.YEAR: "year", FIELD_TYPE.DECIMAL: "decimal",
    FIELD_TYPE.NEWDECIMAL: "decimal", FIELD_TYPE.BIT: "bit", FIELD_TYPE.FLOAT: "float", FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.DATE: "date", FIELD_TYPE.NEWDATE: "date", FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp", FIELD_TYPE.TIME: "time", FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry", FIELD_TYPE.VAR_STRING: "varchar", FIELD_TYPE.STRING: "char",
    FIELD_TYPE.ENUM: "enum", FIELD_TYPE.SET: "set", FIELD_TYPE.BLOB: "text",
}  # fmt: skip
