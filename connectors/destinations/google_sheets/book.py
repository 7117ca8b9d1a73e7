"""One spreadsheet of Google: its sheets, and the requests that write to them.

https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from connectors.destinations.google_sheets.cells import Area
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Line, Record

MOST_CELLS = 10_000_000  # of a spreadsheet with all its sheets
NOTES = "developerMetadata(metadataId,metadataKey,metadataValue)"
ASKED = f"properties.title,sheets(properties(sheetId,title,gridProperties),{NOTES})"
LOOKED = 1_000  # rows that are looked at first to find the last one


@dataclass
class Sheet:
    """A sheet as it is; ``marks`` are notes that programs keep at it, key → (id, value)."""

    id: int
    title: str
    rows: int
    columns: int
    marks: dict[str, tuple[int, str]] = field(default_factory=dict)


def sheet_of(told: Record) -> Sheet:
    """A sheet out of an answer."""
    about = told["properties"]
    grid = about.get("gridProperties") or {}
    notes = told.get("developerMetadata") or ()
    marks = {each["metadataKey"]: (each["metadataId"], each.get("metadataValue", "")) for each in notes}
    return Sheet(about["sheetId"], about["title"], grid.get("rowCount", 0), grid.get("columnCount", 0), marks)


class Book:
    """A spreadsheet that is open."""

    def __init__(self, line: Line, key: str, title: str, sheets: Sequence[Sheet], way: str) -> None:
        self.key = key
        self.title = title
        self.sheets = list(sheets)
        self._line = line
        self._way = way

    @classmethod
    async def open(cls, line: Line, key: str, way: str = "RAW") -> Book:
        """The spreadsheet with this ID; ``way`` is how values are put in."""
        told = await line.get(f"v4/spreadsheets/{key}", {"fields": ASKED})
        return cls(line, key, told["properties"]["title"], [sheet_of(each) for each in told["sheets"]], way)

    def sheet(self, *, title: str = "", gid: str = "") -> Sheet:
        """The sheet that was chosen; raises ``ConfigError`` where it is gone."""
        for each in self.sheets:
            if (gid and str(each.id) == gid) or (title and each.title == title):
                return each
        raise ConfigError("The sheet was renamed or deleted.", field="sheet", hint="Choose another sheet.")

    def room(self, sheet: Sheet) -> int:
        """Cells that this sheet may have."""
        return MOST_CELLS - sum(each.rows * each.columns for each in self.sheets if each.id != sheet.id)

    async def add(self, title: str) -> Sheet:
        """The sheet with this name, made where there is none."""
        known = next((each for each in self.sheets if each.title == title), None)
        if known is None:
            asked = {"addSheet": {"properties": {"title": title, "gridProperties": {"rowCount": 1, "columnCount": 1}}}}
            known = sheet_of((await self._batch(asked))["replies"][0]["addSheet"])
            self.sheets.append(known)
        return known

    async def grow(self, sheet: Sheet, rows: int, columns: int) -> None:
        """At least as many rows and columns."""
        rows, columns = max(rows, sheet.rows), max(columns, sheet.columns)
        if (rows, columns) != (sheet.rows, sheet.columns):
            grid = {"rowCount": rows, "columnCount": columns}
            about = {"sheetId": sheet.id, "gridProperties": grid}
            told = {"properties": about, "fields": "gridProperties(rowCount,columnCount)"}
            await self._batch({"updateSheetProperties": told})
            sheet.rows, sheet.columns = rows, columns

    async def mark(self, sheet: Sheet, key: str, value: str) -> None:
        """Keep a note at a sheet, in place of the one with the same key."""
        where = {"sheetId": sheet.id}
        note = {"metadataKey": key, "metadataValue": value, "location": where, "visibility": "DOCUMENT"}
        if key in sheet.marks:
            lookup = {"developerMetadataLookup": {"metadataId": sheet.marks[key][0]}}
            change = {"dataFilters": [lookup], "developerMetadata": note, "fields": "metadataValue"}
            await self._batch({"updateDeveloperMetadata": change})
        else:
            await self._batch({"createDeveloperMetadata": {"developerMetadata": note}})

    async def clear(self, sheet: Sheet, area: Area) -> None:
        """Empty cells; what they look like stays."""
        await self._line.post(f"{self._values}/{quote(area.whole(sheet.title), safe='')}:clear", {})

    async def put(self, sheet: Sheet, area: Area, row: int, cells: Sequence[Sequence[Any]]) -> None:
        """Write rows from this one of the area on; cells with nothing are left alone."""
        where = area.address(sheet.title, row, len(cells), max(1, len(cells[0])))
        path = f"{self._values}/{quote(where, safe='')}"
        body = {"range": where, "majorDimension": "ROWS", "values": cells}
        await self._line.send("PUT", path, json=body, query={"valueInputOption": self._way})

    async def used(self, sheet: Sheet, area: Area) -> int:
        """How many rows of the area are used: looked for from below, in growing portions."""
        columns = area.columns or max(1, sheet.columns - area.column + 1)
        below, look = area.rows or max(0, sheet.rows - area.row + 1), LOOKED
        while below > 0:
            above = max(0, below - look)
            where = area.address(sheet.title, above, below - above, columns)
            told = await self._line.get(f"{self._values}/{quote(where, safe='')}")
            if values := told.get("values"):
                return above + len(values)
            below, look = above, look * 2
        return 0

    async def _batch(self, request: Record) -> Any:
        return await self._line.post(f"v4/spreadsheets/{self.key}:batchUpdate", {"requests": [request]})

    @property
    def _values(self) -> str:
        return f"v4/spreadsheets/{self.key}/values"
