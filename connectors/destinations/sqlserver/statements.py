"""The T-SQL of each mode, composed from names of the catalogue, over rows that are staged as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.destinations.sqlserver.catalog import Kind, TableColumn, TableShape, quoted

STAGE = "#headrace_stage"


@dataclass(frozen=True)
class Plan:
    """A table, and the columns of the rows at hand: ``columns[i]`` is staged as ``c{i}``.

    ``part`` are the staged rows that are meant; their columns ``left_out`` are left alone.
    """

    table: TableShape
    columns: tuple[TableColumn, ...]
    identifiers: tuple[str, ...]
    part: int = 0
    left_out: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        return f"{quoted(self.table.schema)}.{quoted(self.table.name)}"

    def stage(self) -> list[str]:
        """Statements that make the staging table, empty. Its text compares as that of the database does."""
        columns = [f"c{i} NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL" for i in range(len(self.columns))]
        made = f"CREATE TABLE {STAGE} (n INT NULL, p INT NULL, {', '.join(columns)})"
        return [f"DROP TABLE IF EXISTS {STAGE}", made]

    def insert(self, row: int | None = None) -> str:
        names = ", ".join(quoted(c.name) for _, c in self._written)
        values = ", ".join(self._value(i) for i, _ in self._written)
        return f"INSERT INTO {self.target} ({names}) SELECT {values} FROM {STAGE} AS s WHERE {self._meant(row)}"

    def upsert(self, row: int | None = None) -> str:
        names = ", ".join(quoted(c.name) for _, c in self._written)
        values = ", ".join(self._value(i) for i, _ in self._written)
        changed = f" WHEN MATCHED THEN UPDATE SET {self._assigned}" if self._assigned else ""
        return f"{self._merge(row)}{changed} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values});"

    def update(self, row: int | None = None) -> str:
        # There is always something to assign, so that the server takes the statement.
        assigned = self._assigned or self._set(self.identifiers[0], f"t.{quoted(self.identifiers[0])}")
        return f"{self._merge(row)} WHEN MATCHED THEN UPDATE SET {assigned};"

    def clear(self, names: Sequence[str], row: int | None = None) -> str:
        """Null the named columns of matching rows."""
        return f"{self._merge(row)} WHEN MATCHED THEN UPDATE SET {', '.join(self._set(n, 'NULL') for n in names)};"

    def delete(self, row: int | None = None) -> str:
        return f"{self._merge(row)} WHEN MATCHED THEN DELETE;"

    def unmatched(self) -> str:
        """The numbers of rows that no record matches."""
        found = f"SELECT 1 FROM {self.target} AS t WHERE {self._match}"
        return f"SELECT s.n FROM {STAGE} AS s WHERE {self._meant(None)} AND NOT EXISTS ({found})"

    @property
    def _written(self) -> list[tuple[int, TableColumn]]:
        return [(i, c) for i, c in enumerate(self.columns) if c.name not in self.left_out]

    @property
    def _assigned(self) -> str:
        changed = [(i, c) for i, c in self._written if c.name not in self.identifiers]
        return ", ".join(self._set(c.name, self._value(i)) for i, c in changed)

    @property
    def _match(self) -> str:
        at = {c.name: (i, c) for i, c in enumerate(self.columns)}
        return " AND ".join(self._same(*at[name]) for name in self.identifiers)

    def _merge(self, row: int | None) -> str:
        """With a lock on the ranges that are looked at, so that two runs cannot both add a row."""
        rows = f"(SELECT * FROM {STAGE} AS s WHERE {self._meant(row)})"
        return f"MERGE INTO {self.target} WITH (HOLDLOCK) AS t USING {rows} AS s ON {self._match}"

    def _meant(self, row: int | None) -> str:
        return f"s.p = {self.part}" if row is None else f"s.n = {row}"

    def _set(self, name: str, value: str) -> str:
        return f"{quoted(name)} = {value}"

    def _same(self, place: int, column: TableColumn) -> str:
        """A match that an index can answer: the staged value becomes what the column holds."""
        value = self._value(place)
        if column.kind is Kind.TEXT:
            value = f"CONVERT({column.native_type}, s.c{place})"
            if column.collation:
                value += f" COLLATE {column.collation}"
        return f"t.{quoted(column.name)} = {value}"

    def _value(self, place: int) -> str:
        """Text is assigned as it is: converting it would cut it, where assigning refuses what is too long."""
        column = self.columns[place]
        if column.kind is Kind.TEXT:
            return f"s.c{place}"
        if column.kind is Kind.BYTES:
            return f"CONVERT(VARBINARY(MAX), s.c{place}, 2)"
        return f"CONVERT({column.native_type}, s.c{place})"
