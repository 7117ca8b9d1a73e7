"""Sources of spreadsheets: each sheet is a table, whose first row has the names of its columns.

A query's sheets are read for it, to disk and row by row, and queried there by DuckDB. A column is a number, a truth
value, a date or a moment where all its values are; otherwise it is text.
"""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from sqlglot import exp

from connectors.sdk.arrow import check_names
from connectors.sdk.errors import QueryError
from connectors.sdk.file_source import FileSource, Listed
from connectors.sdk.rows import dumps, json_value
from connectors.sdk.types import Table

_DIALECT = "duckdb"
_EXACT = 1 << 53  # whole numbers that spreadsheets, which have fractions only, still know
Cells = Sequence[Any]


class SheetSource(FileSource):
    """Subclasses list sheets and read the rows of one. ``ends_at_gap``: an empty row is the end of the data."""

    ends_at_gap: ClassVar[bool] = False

    @abstractmethod
    def tables(self) -> Sequence[Table]:
        """The sheets that can be read."""

    @abstractmethod
    def _cells(self, schema: str, name: str) -> Iterable[Cells]:
        """The rows of a sheet, its header first; raises typed errors."""

    def check(self) -> None:
        """List the sheets."""
        self.tables()

    def _loaded(self, schema: str, name: str, place: Path) -> tuple[Path, str]:
        rows = iter(self._cells(schema, name))
        names = columns_of(next(rows, ()), name)
        local, kinds = place.with_suffix(".json"), [set[type]() for _ in names]
        with local.open("wb") as file:
            file.write(b"[")
            for number, values in enumerate(self._records(rows, len(names))):
                for kind, value in zip(kinds, values, strict=True):
                    kind.add(type(value))
                record = dict(zip(names, map(json_value, values), strict=True))
                file.write((b",\n" if number else b"") + dumps(record))
            file.write(b"]")
        return local, _select(local, names, kinds)

    def _records(self, rows: Iterator[Cells], width: int) -> Iterator[list[Any]]:
        for cells in rows:
            values = [_value(cell) for cell in cells[:width]]
            values += [None] * (width - len(values))
            if any(value is not None for value in values):
                yield values
            elif self.ends_at_gap:
                return

    def _list(self, prefix: str, most: int) -> Sequence[Listed]:
        return ()

    def _fetch(self, path: str, to: Path) -> None:
        raise NotImplementedError("sheets are read row by row")


def columns_of(header: Cells, sheet: str) -> list[str]:
    """The names in a header, up to the first empty one; :class:`QueryError` where there is none."""
    names: list[str] = []
    for cell in header:
        name = "" if cell is None else str(cell).strip()
        if not name:
            break
        names.append(name)
    if not names:
        raise QueryError(
            f"The sheet “{sheet}” has no names of columns.",
            hint="Write them into its first row, from the first cell on.",
        )
    check_names(names)
    return names


def _value(cell: Any) -> Any:
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return int(cell)
    return cell


def _select(file: Path, names: Sequence[str], kinds: Sequence[set[type]]) -> str:
    types = ", ".join(f"{_text(name)}: 'JSON'" for name in names)
    shown = ", ".join(_read(name, kind - {type(None)}) for name, kind in zip(names, kinds, strict=True))
    return f"SELECT {shown} FROM read_json({_text(str(file))}, format='array', columns={{{types}}})"  # noqa: S608


def _read(name: str, kinds: set[type]) -> str:
    column = str(exp.to_identifier(name, quoted=True).sql(dialect=_DIALECT))
    for known, sql in _TYPES:
        if kinds and kinds <= known:
            return f"CAST({column}->>'$' AS {sql}) AS {column}"
    return f"{column}->>'$' AS {column}"


def _text(value: str) -> str:
    return str(exp.Literal.string(value).sql(dialect=_DIALECT))


_TYPES: tuple[tuple[set[type], str], ...] = (
    ({bool}, "BOOLEAN"),
    ({int}, "HUGEINT"),
    ({int, float}, "DOUBLE"),
    ({dt.date}, "DATE"),
    ({dt.date, dt.datetime}, "TIMESTAMP"),
)
