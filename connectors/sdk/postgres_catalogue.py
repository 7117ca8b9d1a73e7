"""What servers that speak PostgreSQL's protocol say about their tables and about a query's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.generators import execute
from psycopg.pq import DiagnosticField, ExecStatus
from sqlglot import exp

from connectors.sdk.errors import ConnectorError, QueryError
from connectors.sdk.postgres import statement_error
from connectors.sdk.postgres_types import NativeType, reading
from connectors.sdk.readings import Described, Reading
from connectors.sdk.sql import bare
from connectors.sdk.types import Column, ColumnType

_TABLES = """
SELECT n.nspname, c.relname,
       CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
       coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('information_schema', 'headrace_planner', 'headrace_audit')
  AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1, 2
"""

_COLUMN_TYPES = """
SELECT format_type(d.type, d.modifier), t.typname, t.typtype, t.typcategory,
       coalesce(col_description(d.relation, d.attribute), ''), coalesce(a.attnotnull, false)
FROM unnest(%s::oid[], %s::int[], %s::oid[], %s::int[]) WITH ORDINALITY
     AS d (type, modifier, relation, attribute, place)
JOIN pg_catalog.pg_type t ON t.oid = d.type
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.relation AND a.attnum = d.attribute AND d.attribute > 0
ORDER BY d.place
"""

# For servers that know neither lists of ids nor the newer functions: plain reads of single tables.
_PLAIN_TYPES = "SELECT oid, typname, typtype FROM pg_catalog.pg_type"
_PLAIN_COMMENTS = "SELECT objoid, objsubid, description FROM pg_catalog.pg_description"
_SHOWN = {
    "bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real",
    "float8": "double precision", "bpchar": "character", "varchar": "character varying",
    "timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
    "time": "time without time zone", "timetz": "time with time zone",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a result as the protocol tells it: its type, and the table column it comes from, if any."""

    name: str
    type: int
    modifier: int
    relation: int
    attribute: int


@dataclass(frozen=True, slots=True)
class Typed:
    """What the catalogue knows of one column of a result."""

    shown: str
    native: NativeType
    comment: str = ""
    required: bool = False


Look = Callable[["psycopg.Connection[Any]", Sequence[Place]], list[Typed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """How one system of the family is asked.

    ``tables`` gives schema, name, "table" or "view", and comment. ``look`` finds out about a
    result's columns. ``readings`` are the native types that are read differently here,
    ``nested`` arrays and other compositions.
    """

    dialect: str
    tables: str
    look: Look
    readings: Mapping[str, Reading] = field(default_factory=dict)
    nested: Reading | None = None

    def describe(self, connection: psycopg.Connection[Any], sql: str) -> tuple[Described, ...]:
        """Have the server parse the query; raises :class:`QueryError` with the place of an error."""
        places = _prepared(connection, sql, self.dialect)
        found = self.look(connection, places)
        return tuple(self._described(place.name, typed) for place, typed in zip(places, found, strict=True))

    def _described(self, name: str, typed: Typed) -> Described:
        found = self.readings.get(typed.native.name) or reading(typed.native)
        if self.nested and found.type is ColumnType.OBJECT and typed.native.name not in self.readings:
            found = self.nested
        column = Column(name, found.type, typed.shown, typed.comment, nullable=not typed.required)
        return Described(column, found)


def look_at_once(connection: psycopg.Connection[Any], places: Sequence[Place]) -> list[Typed]:
    """Everything in one query: for servers that are PostgreSQL themselves."""
    lists = ([getattr(p, name) for p in places] for name in ("type", "modifier", "relation", "attribute"))
    rows = connection.execute(_COLUMN_TYPES, tuple(lists)).fetchall()
    return [
        Typed(shown, NativeType(name, kind, category, place.modifier), comment, required)
        for place, (shown, name, kind, category, comment, required) in zip(places, rows, strict=True)
    ]


def look_plainly(connection: psycopg.Connection[Any], places: Sequence[Place]) -> list[Typed]:
    """Types and comments by plain reads of the catalogue: for servers that only resemble PostgreSQL."""
    types = {
        row[0]: (row[1], row[2]) for row in connection.execute(_among(_PLAIN_TYPES, "oid", [p.type for p in places]))
    }
    relations = [p.relation for p in places if p.relation]
    comments: dict[tuple[int, int], str] = {}
    if relations:
        told = connection.execute(_among(_PLAIN_COMMENTS, "objoid", relations))
        comments = {(relation, attribute): text for relation, attribute, text in told if attribute}
    return [_typed(place, *types.get(place.type, ("text", "b")), comments) for place in places]


def _typed(place: Place, name: str, kind: str, comments: Mapping[tuple[int, int], str]) -> Typed:
    category = "A" if name.startswith("_") else ""
    comment = comments.get((place.relation, place.attribute), "")
    return Typed(_shown(name, place.modifier), NativeType(name, kind, category, place.modifier), comment)


def _shown(name: str, modifier: int) -> str:
    """A type as SQL writes it, with its length or precision."""
    if name.startswith("_"):
        return f"{_shown(name[1:], -1)}[]"
    words = _SHOWN.get(name, name)
    if modifier < 4:
        return words
    if name == "numeric":
        return f"numeric({(modifier - 4) >> 16 & 0xFFFF},{(modifier - 4) & 0x7FF})"
    return f"{words}({modifier - 4})" if name in ("varchar", "bpchar") else words


def _among(query: str, column: str, numbers: Sequence[int]) -> Any:
    wanted = exp.column(column).isin(*(exp.Literal.number(n) for n in sorted(set(numbers))))
    return f"{query} WHERE {wanted.sql(dialect='postgres')}"


def _prepared(connection: psycopg.Connection[Any], sql: str, dialect: str) -> list[Place]:
    pq = connection.pgconn
    if "\0" in sql:
        raise QueryError("The query holds a NUL character.", position=sql.index("\0"))
    pq.send_prepare(b"", bare(sql, dialect).encode())
    parsed = _answer(connection)
    if parsed.status == ExecStatus.FATAL_ERROR:
        raise _refused(parsed)
    pq.send_describe_prepared(b"")
    shape = _answer(connection)
    if shape.status == ExecStatus.FATAL_ERROR:
        raise _refused(shape)
    if shape.nparams:
        raise QueryError("The query has placeholders such as $1.", hint="Write the values into the query.")
    if not shape.nfields:
        raise QueryError("The query returns no columns.", hint="Write a SELECT statement.")
    return [
        Place((shape.fname(i) or b"").decode(), shape.ftype(i), shape.fmod(i), shape.ftable(i), shape.ftablecol(i))
        for i in range(shape.nfields)
    ]


def _answer(connection: psycopg.Connection[Any]) -> psycopg.pq.abc.PGresult:
    """The server's answer. The driver's own call would keep all other threads waiting until it is there."""
    answers: list[psycopg.pq.abc.PGresult] = connection.wait(execute(connection.pgconn))
    return answers[-1]


def _refused(result: psycopg.pq.abc.PGresult) -> ConnectorError:
    def told(which: DiagnosticField) -> str:
        return (result.error_field(which) or b"").decode("utf-8", "replace")

    place = told(DiagnosticField.STATEMENT_POSITION)
    detail = told(DiagnosticField.MESSAGE_DETAIL)
    message = " ".join(part for part in (told(DiagnosticField.MESSAGE_PRIMARY), detail) if part)
    return statement_error(
        told(DiagnosticField.SQLSTATE),
        message,
        position=int(place) - 1 if place else None,
        hint=told(DiagnosticField.MESSAGE_HINT),
    )


POSTGRES = Catalogue(dialect="postgres", tables=_TABLES, look=look_at_once)
