"""The SQL of each mode, over rows of literals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Row = Sequence[str]


def quoted(name: str) -> str:
    """A name for use in a statement."""
    return "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True)
class Plan:
    """A table, the columns of the rows at hand, and those of them that match."""

    table: str
    columns: tuple[str, ...]
    identifiers: tuple[str, ...]

    @property
    def _changed(self) -> list[str]:
        return [name for name in self.columns if name not in self.identifiers]

    def insert(self, rows: Iterable[Row]) -> str:
        return f"INSERT INTO {self._into} VALUES {_tuples(rows)}"

    def upsert(self, rows: Iterable[Row]) -> str:
        # Assigning a matching column its own value is MySQL's way to do nothing.
        names = self._changed or list(self.identifiers[:1])
        changes = ", ".join(f"{quoted(name)} = VALUES({quoted(name)})" for name in names)
        return f"{self.insert(rows)} ON DUPLICATE KEY UPDATE {changes}"

    def replace(self, rows: Iterable[Row]) -> str:
        return f"REPLACE INTO {self._into} VALUES {_tuples(rows)}"

    def update(self, row: Row) -> str:
        """One row; there is always something to assign, so that the server counts what matched."""
        at = dict(zip(self.columns, row, strict=True))
        names = self._changed or list(self.identifiers[:1])
        changes = ", ".join(f"{quoted(name)} = {at[name]}" for name in names)
        return f"UPDATE {quoted(self.table)} SET {changes} WHERE {self._match([row])}"

    def clear(self, rows: Iterable[Row], names: Sequence[str]) -> str:
        """Null the named columns of matching rows."""
        changes = ", ".join(f"{quoted(name)} = NULL" for name in names)
        return f"UPDATE {quoted(self.table)} SET {changes} WHERE {self._match(rows)}"

    def delete(self, rows: Iterable[Row]) -> str:
        return f"DELETE FROM {quoted(self.table)} WHERE {self._match(rows)}"

    def load(self, binary: Sequence[bool]) -> str:
        """Replace rows by those that follow on the wire, as :func:`loaded` writes them."""
        names = ", ".join(f"@c{i}" for i in range(len(self.columns)))
        values = ", ".join(
            f"{quoted(name)} = {f'UNHEX(@c{i})' if bare else f'@c{i}'}"
            for i, (name, bare) in enumerate(zip(self.columns, binary, strict=True))
        )
        return (
            f"LOAD DATA LOCAL INFILE 'headrace' REPLACE INTO TABLE {quoted(self.table)} CHARACTER SET utf8mb4 "
            f"FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({names}) SET {values}"
        )

    @property
    def _into(self) -> str:
        return f"{quoted(self.table)} ({', '.join(map(quoted, self.columns))})"

    def _match(self, rows: Iterable[Row]) -> str:
        places = [self.columns.index(name) for name in self.identifiers]
        names = ", ".join(map(quoted, self.identifiers))
        if len(places) == 1:
            return f"{names} IN ({', '.join(row[places[0]] for row in rows)})"
        return f"({names}) IN ({', '.join('(' + ', '.join(row[i] for i in places) + ')' for row in rows)})"


def loaded(rows: Iterable[Row]) -> bytes:
    """Rows of literals as the lines that LOAD DATA reads."""
    return "".join("\t".join(map(_loaded, row)) + "\n" for row in rows).encode()


def _loaded(literal: str) -> str:
    if literal == "NULL":
        return "\\N"
    if literal.startswith("X'"):
        return literal[2:-1]
    if not literal.startswith("'"):
        return literal
    # What the driver escapes in literals, LOAD DATA reads the same way, besides what ends fields and lines.
    return literal[1:-1].replace("\t", "\\t").replace("\n", "\\n")


def _tuples(rows: Iterable[Row]) -> str:
    return ", ".join(f"({', '.join(row)})" for row in rows)
