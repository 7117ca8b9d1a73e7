"""Tables, columns and unique keys, read from MySQL's information schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from pymysql.converters import escape_string

from connectors.sdk.destination import DestinationField
from connectors.sdk.errors import Gone
from connectors.sdk.mysql import Connection
from connectors.sdk.tables import target_fields
from connectors.sdk.types import Choice, ColumnType

_TABLES = """
    SELECT t.table_name, t.table_type, t.table_comment
    FROM information_schema.tables t
    LEFT JOIN information_schema.views v ON v.table_schema = t.table_schema AND v.table_name = t.table_name
    WHERE t.table_schema = DATABASE() AND (t.table_type = 'BASE TABLE' OR v.is_updatable = 'YES')
    ORDER BY t.table_name
"""
_COLUMNS = """
    SELECT column_name, data_type, column_type, is_nullable, column_default, extra, column_comment
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = {name}
    ORDER BY ordinal_position
"""
_KEYS = """
    SELECT index_name, column_name, sub_part
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = {name} AND non_unique = 0
    ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index
"""


class Kind(Enum):
    """How values are written for a column."""

    NUMBER = auto()
    TEXT = auto()
    BYTES = auto()
    JSON = auto()
    MOMENT = auto()
    DATE = auto()


_NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit", "year")
_KINDS = {
    **dict.fromkeys(_NUMBERS, Kind.NUMBER),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), Kind.BYTES),
    "json": Kind.JSON,
    "datetime": Kind.MOMENT,
    "timestamp": Kind.MOMENT,
    "date": Kind.DATE,
}
_SHOWN = {
    Kind.NUMBER: ColumnType.NUMBER,
    Kind.TEXT: ColumnType.STRING,
    Kind.BYTES: ColumnType.STRING,
    Kind.JSON: ColumnType.OBJECT,
    Kind.MOMENT: ColumnType.TIMESTAMP,
    Kind.DATE: ColumnType.DATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of the target."""

    name: str
    kind: Kind
    native_type: str
    required: bool  # of a new row
    read_only: bool
    description: str

    @property
    def shown(self) -> ColumnType:
        """Its type as people see it."""
        return ColumnType.BOOLEAN if self.native_type in ("tinyint(1)", "bit(1)") else _SHOWN[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """A table as a sync needs to know it. ``keys``: sets of columns that are unique together."""

    name: str
    columns: dict[str, TableColumn]
    keys: tuple[frozenset[str], ...]

    @property
    def place(self) -> str:
        """Its name for people."""
        return self.name

    def fields(self) -> list[DestinationField]:
        """Its columns as fields that rows can be mapped to."""
        return target_fields(self)


def list_tables(connection: Connection) -> list[Choice]:
    """What rows can be written to, as entries of a picker."""
    found = _rows(connection, _TABLES)
    return [Choice(name, name, "view" if "VIEW" in kind else comment) for name, kind, comment in found]


def read_table(connection: Connection, name: str) -> TableShape:
    """A table's columns and unique keys; raises ``Gone`` where there is no such table."""
    literal = f"'{escape_string(name)}'"
    columns = [_column(row) for row in _rows(connection, _COLUMNS.format(name=literal))]
    if not columns:
        raise Gone(f"There is no table “{name}”.", hint="Open the sync and choose a table again.")
    keys: dict[str, list[str]] = {}
    partial: set[str] = set()
    for index, column, part in _rows(connection, _KEYS.format(name=literal)):
        keys.setdefault(index, []).append(column)
        if part or not column:  # of the beginning of a text only, or of an expression
            partial.add(index)
    return TableShape(
        name=name,
        columns={c.name: c for c in columns},
        keys=tuple(frozenset(names) for index, names in keys.items() if index not in partial),
    )


def _column(row: Sequence[str]) -> TableColumn:
    name, kind, native, nullable, default, extra, comment = row
    # MariaDB calls them VIRTUAL or STORED GENERATED, MySQL too; a default expression is DEFAULT_GENERATED.
    generated = "GENERATED" in extra.replace("DEFAULT_GENERATED", "")
    has_default = default != "" or "auto_increment" in extra
    return TableColumn(
        name=name,
        kind=_KINDS.get(kind, Kind.TEXT),
        native_type=native,
        required=nullable == "NO" and not has_default and not generated,
        read_only=generated,
        description=comment,
    )


def _rows(connection: Connection, sql: str) -> list[list[str]]:
    connection.query(sql)
    rows = connection._result.rows if connection._result else ()
    return [[value.decode("utf-8", "replace") if value is not None else "" for value in row] for row in rows or ()]
