"""Cells of a spreadsheet: where they are, and what goes into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from connectors.sdk.destination import RowStreams
from connectors.sdk.errors import ConfigError
from connectors.sdk.rows import dumps, json_rows
from connectors.sdk.types import Operation

CHUNK_CELLS, CHUNK_BYTES = 50_000, 2_000_000  # of one request
FORMULA = ("=", "+")
_CORNERS = re.compile(r"([A-Z]+)(\d+):([A-Z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells, its first row and column counted from 1; ``rows`` and ``columns`` of 0 have no end."""

    row: int = 1
    column: int = 1
    rows: int = 0
    columns: int = 0

    @classmethod
    def of(cls, told: str) -> Area:
        """The rectangle that a person wrote; all cells where it is empty."""
        if not told.strip():
            return cls()
        found = _CORNERS.fullmatch(told.strip().upper())
        if not found:
            raise ConfigError("A range has two corners, such as A1:Z1000.", field="range")
        left, right = sorted((number_of(found[1]), number_of(found[3])))
        top, bottom = sorted((int(found[2]), int(found[4])))
        return cls(top, left, bottom - top + 1, right - left + 1)

    def fits(self, rows: int, columns: int) -> None:
        """Raises ``ConfigError`` where as many cells do not fit."""
        if self.rows and (rows > self.rows or columns > self.columns):
            told = f"The range has {self.rows:,} rows and {self.columns:,} columns; {rows:,} and {columns:,} are needed"
            raise ConfigError(f"{told}, with the header.", field="range", hint="Choose a larger range, or none.")

    def address(self, title: str, row: int, rows: int, columns: int) -> str:
        """So many rows of it from ``row`` on (0 is its first), as Google writes addresses."""
        first = self.row + row
        left, right = letters(self.column), letters(self.column + columns - 1)
        return f"{quoted(title)}!{left}{first}:{right}{first + rows - 1}"

    def whole(self, title: str) -> str:
        """All of it."""
        return self.address(title, 0, self.rows, self.columns) if self.rows else quoted(title)


def quoted(title: str) -> str:
    """A sheet's name in addresses."""
    if ":" in title:
        raise ConfigError(
            f"The name “{title}” has a colon, which Google cannot address.",
            field="sheet",
            hint="Rename the sheet in Google Sheets.",
        )
    return "'" + title.replace("'", "''") + "'"


def letters(column: int) -> str:
    """The name of a column: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def number_of(name: str) -> int:
    """The number of a column."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def header_of(schema: pa.Schema) -> list[str]:
    """The first row."""
    return list(schema.names)


def chunks(rows: RowStreams, typed: bool) -> Iterator[list[list[Any]]]:
    """The rows in portions of a request; ``typed``: as if a person typed them."""
    most = max(1, CHUNK_CELLS // max(1, len(rows.schema.names)))
    part: list[list[Any]] = []
    size = 0
    for batch in rows.stream(Operation.ADDED):
        for record in json_rows(batch.rows):
            cells = [cell(value, typed) for value in record.values()]
            part.append(cells)
            size += sum(len(value) for value in cells if isinstance(value, str)) + 8 * len(cells)
            if len(part) >= most or size >= CHUNK_BYTES:
                yield part
                part, size = [], 0
    if part:
        yield part


def cell(value: Any, typed: bool) -> Any:
    """A value as a cell: objects as text; text that would be taken for a formula keeps being text."""
    if isinstance(value, list | dict):
        value = dumps(value).decode()
    if typed and isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
