"""Tables, columns and unique keys, read from SQL Server's catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from connectors.sdk.destination import DestinationField
from connectors.sdk.errors import Gone
from connectors.sdk.tables import target_fields
from connectors.sdk.tds import Session
from connectors.sdk.types import Choice, ColumnType

_TABLES = """
    SELECT s.name, o.name
    FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id
    WHERE o.type = 'U' AND 1 IN (
        HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'INSERT'),
        HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'UPDATE'))
    ORDER BY s.name, o.name
"""
# Names may hold dots themselves: the catalogue says where the schema's ends.
_FIND = """
    SELECT s.name, o.name
    FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id
    WHERE o.type IN ('U', 'V') AND CONCAT(s.name, '.', o.name) = {place}
"""
_COLUMNS = """
    SELECT c.name, TYPE_NAME(c.system_type_id), c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity,
        c.is_computed, c.default_object_id, c.collation_name
    FROM sys.columns AS c
    WHERE c.object_id = OBJECT_ID({name})
    ORDER BY c.column_id
"""
_KEYS = """
    SELECT i.index_id, c.name
    FROM sys.indexes AS i
    JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
    JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
    WHERE i.object_id = OBJECT_ID({name}) AND i.is_unique = 1 AND i.has_filter = 0 AND k.is_included_column = 0
    ORDER BY i.is_primary_key DESC, i.index_id, k.key_ordinal
"""


class Kind(Enum):
    """How values are written for a column."""

    WHOLE = auto()
    NUMBER = auto()
    TEXT = auto()
    BYTES = auto()
    MOMENT = auto()
    ZONED = auto()
    DATE = auto()
    TIME = auto()
    OTHER = auto()  # what the server makes of text: uniqueidentifier, xml, hierarchyid


_KINDS = {
    **dict.fromkeys(("bit", "tinyint", "smallint", "int", "bigint"), Kind.WHOLE),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney", "float", "real"), Kind.NUMBER),
    **dict.fromkeys(("char", "varchar", "nchar", "nvarchar", "text", "ntext"), Kind.TEXT),
    **dict.fromkeys(("binary", "varbinary", "image"), Kind.BYTES),
    **dict.fromkeys(("datetime", "smalldatetime", "datetime2"), Kind.MOMENT),
    "datetimeoffset": Kind.ZONED,
    "date": Kind.DATE,
    "time": Kind.TIME,
}
_SHOWN = {
    Kind.WHOLE: ColumnType.NUMBER,
    Kind.NUMBER: ColumnType.NUMBER,
    Kind.MOMENT: ColumnType.TIMESTAMP,
    Kind.ZONED: ColumnType.TIMESTAMP,
    Kind.DATE: ColumnType.DATE,
}
_MADE = ("timestamp", "rowversion")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of the target. ``native_type`` is its type as T-SQL declares it, ``length`` that of short text."""

    name: str
    kind: Kind
    native_type: str
    length: int
    collation: str
    required: bool  # of a new row
    read_only: bool
    description: str = ""

    @property
    def shown(self) -> ColumnType:
        """Its type as people see it."""
        return ColumnType.BOOLEAN if self.native_type == "bit" else _SHOWN.get(self.kind, ColumnType.STRING)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """A table as a sync needs to know it. ``keys``: sets of columns that are unique together."""

    schema: str
    name: str
    columns: dict[str, TableColumn]
    keys: tuple[frozenset[str], ...]

    @property
    def place(self) -> str:
        """Its name for people."""
        return f"{self.schema}.{self.name}"

    def fields(self) -> list[DestinationField]:
        """Its columns as fields that rows can be mapped to."""
        return target_fields(self)


def quoted(name: str) -> str:
    """A name for use in a statement."""
    return "[" + name.replace("]", "]]") + "]"


def literal(text: str) -> str:
    """Text for use in a statement."""
    return "N'" + text.replace("'", "''") + "'"


def list_tables(session: Session) -> list[Choice]:
    """What rows can be written to, as entries of a picker."""
    return [Choice(f"{schema}.{name}", f"{schema}.{name}") for schema, name in session.small(_TABLES)]


def read_table(session: Session, place: str) -> TableShape:
    """A table's columns and unique keys; raises ``Gone`` where there is no such table."""
    found = session.small(_FIND.format(place=literal(place)))
    if not found:
        raise _gone(place)
    schema, name = min(found, key=lambda names: len(names[0]))
    named = literal(f"{quoted(schema)}.{quoted(name)}")
    columns = [_column(row) for row in session.small(_COLUMNS.format(name=named))]
    if not columns:
        raise _gone(place)
    keys: dict[int, list[str]] = {}
    for index, column in session.small(_KEYS.format(name=named)):
        keys.setdefault(index, []).append(column)
    return TableShape(
        schema=schema,
        name=name,
        columns={c.name: c for c in columns},
        keys=tuple(frozenset(names) for names in keys.values()),
    )


def _gone(place: str) -> Gone:
    return Gone(f"There is no table “{place}”.", hint="Open the sync and choose a table again.")


def _column(row: Sequence[Any]) -> TableColumn:
    name, kind, size, precision, scale, nullable, identity, computed, default, collation = row
    kind = (kind or "nvarchar").lower()
    read_only = bool(identity or computed or kind in _MADE)
    wide = kind in ("nchar", "nvarchar")
    length = int(size) // (2 if wide else 1) if kind in ("char", "varchar", "nchar", "nvarchar") and size > 0 else 0
    return TableColumn(
        name=name,
        kind=_KINDS.get(kind, Kind.OTHER),
        native_type=_declared(kind, int(size), int(precision), int(scale), length),
        length=length,
        collation=collation or "",
        required=not (nullable or default or read_only),
        read_only=read_only,
    )


def _declared(kind: str, size: int, precision: int, scale: int, length: int) -> str:
    if kind in ("char", "varchar", "nchar", "nvarchar"):
        return f"{kind}({length or 'max'})"
    if kind in ("binary", "varbinary"):
        return f"{kind}({size if size > 0 else 'max'})"
    if kind in ("decimal", "numeric"):
        return f"{kind}({precision},{scale})"
    return f"{kind}({scale})" if kind in ("datetime2", "datetimeoffset", "time") else kind
