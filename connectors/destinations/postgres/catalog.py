"""Tables, columns and unique keys, read from PostgreSQL's catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import AsyncConnection

from connectors.sdk.destination import DestinationField, Shape
from connectors.sdk.errors import Gone
from connectors.sdk.types import Choice, ColumnType

Connection = AsyncConnection[tuple[Any, ...]]

_TABLES: LiteralString = """
    SELECT n.nspname, c.relname, c.relkind, coalesce(obj_description(c.oid, 'pg_class'), '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (c.relkind IN ('r', 'p', 'f') OR (c.relkind = 'v' AND pg_relation_is_updatable(c.oid, true) & 28 <> 0))
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_toast%%' AND n.nspname NOT LIKE 'pg\\_temp%%'
      AND NOT c.relispartition
      AND has_schema_privilege(n.oid, 'USAGE')
      AND (has_any_column_privilege(c.oid, 'INSERT') OR has_any_column_privilege(c.oid, 'UPDATE'))
    ORDER BY n.nspname, c.relname
"""
_COLUMNS: LiteralString = """
    SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), format_type(a.atttypid, -1),
           CASE WHEN t.typtype = 'd' THEN b.typcategory ELSE t.typcategory END,
           CASE WHEN t.typtype = 'd' THEN b.typname ELSE t.typname END,
           a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a',
           CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
           a.attidentity <> '', coalesce(col_description(a.attrelid, a.attnum), '')
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type b ON b.oid = t.typbasetype
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
# Only plain, complete, immediate unique indexes can decide ON CONFLICT.
_KEYS: LiteralString = """
    SELECT i.indkey::int2[], i.indnkeyatts, i.indisprimary
    FROM pg_index i
    WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL
    ORDER BY i.indisprimary DESC, i.indexrelid
"""
# Names may hold dots themselves: the catalogue says where the schema's ends.
_FIND: LiteralString = """
    SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = %s ORDER BY length(n.nspname)
"""
_CATEGORIES = {"B": ColumnType.BOOLEAN, "N": ColumnType.NUMBER, "S": ColumnType.STRING, "A": ColumnType.OBJECT}
_NAMES = {
    "date": ColumnType.DATE,
    "timestamp": ColumnType.TIMESTAMP,
    "timestamptz": ColumnType.TIMESTAMP,
    "json": ColumnType.OBJECT,
    "jsonb": ColumnType.OBJECT,
    "hstore": ColumnType.OBJECT,
}
# Types without an equality operator; they are compared as text.
_NO_EQUALITY = frozenset({"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"})
WHOLE_NUMBERS = frozenset({"int2", "int4", "int8"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of the target. ``type_name`` with its length or precision, ``bare_type`` without."""

    number: int
    name: str
    type_name: str
    bare_type: str
    category: str  # pg_type.typcategory: "A" for arrays
    base_name: str  # pg_type.typname, of the base type for domains
    required: bool
    read_only: bool
    default: str | None
    identity: bool
    description: str

    @property
    def is_array(self) -> bool:
        return self.category == "A"

    @property
    def comparable(self) -> bool:
        """Whether ``IS DISTINCT FROM`` works on it."""
        return self.base_name.removeprefix("_") not in _NO_EQUALITY

    @property
    def kind(self) -> ColumnType:
        return _NAMES.get(self.base_name) or _CATEGORIES.get(self.category, ColumnType.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """A table as a sync needs to know it. ``keys``: sets of columns that are unique together."""

    schema: str
    name: str
    columns: dict[str, TableColumn]
    keys: tuple[frozenset[str], ...]

    @property
    def place(self) -> str:
        """Its name for people, with its schema."""
        return f"{self.schema}.{self.name}"

    def fields(self) -> list[DestinationField]:
        """Its columns as fields that rows can be mapped to."""
        primary = self.keys[0] if self.keys else frozenset()
        members = frozenset().union(*self.keys)
        return [
            DestinationField(
                name=c.name,
                type=c.kind,
                required=c.required and c.default is None and not c.identity and not c.read_only,
                identifier=c.name in members,
                recommended=c.name in primary,
                native_type=c.type_name,
                shape=Shape.VALUES if c.category == "A" else Shape.OBJECT,
                description=c.description,
                read_only=c.read_only,
            )
            for c in self.columns.values()
        ]


async def list_tables(connection: Connection) -> Sequence[Choice]:
    """What rows can be written to, as entries of a picker."""
    kinds = {"v": "view", "f": "foreign table", "p": "partitioned table"}
    found = await (await connection.execute(_TABLES)).fetchall()
    return [
        Choice(f"{schema}.{name}", f"{schema}.{name}", comment or kinds.get(kind, ""))
        for schema, name, kind, comment in found
    ]


async def read_table(connection: Connection, qualified: str) -> TableShape:
    """A table's columns and unique keys; raises ``Gone`` where there is no such table."""
    place = qualified if "." in qualified else f"public.{qualified}"
    row = await (await connection.execute(_FIND, (place,))).fetchone()
    if row is None:
        raise Gone(f"There is no table “{qualified}”.", hint="Open the sync and choose a table again.")
    columns = await (await connection.execute(_COLUMNS, (row[0],))).fetchall()
    keys = await (await connection.execute(_KEYS, (row[0],))).fetchall()
    by_number = {c[0]: _column(c) for c in columns}
    return TableShape(
        schema=row[1],
        name=row[2],
        columns={c.name: c for c in by_number.values()},
        keys=tuple(frozenset(by_number[n].name for n in numbers[:width]) for numbers, width, _ in keys),
    )


def _column(row: Sequence[Any]) -> TableColumn:
    number, name, type_name, bare, category, base, required, read_only, default, identity, description = row
    return TableColumn(
        number=number,
        name=name,
        type_name=type_name,
        bare_type=bare,
        category=category,
        base_name=base,
        required=required,
        read_only=read_only,
        default=default,
        identity=identity,
        description=description,
    )
