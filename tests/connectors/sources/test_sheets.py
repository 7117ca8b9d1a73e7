"""Spreadsheets: the services as documented, sheets with the faults that people make, and a real workbook."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, QueryError
from connectors.sdk.rest.google_sign_in import TOKENS
from connectors.sdk.source import Source
from connectors.sdk.types import Choice, ColumnType, Table
from connectors.sources.google_sheets import FILES, GoogleSheetsSource
from connectors.sources.google_sheets import ORIGIN as SHEETS
from connectors.sources.microsoft_excel import LOGIN, MicrosoftExcelSource
from connectors.sources.microsoft_excel import ORIGIN as GRAPH
from tests.connectors.sources.reading import rows
from tests.support.bigquery import service_account_key
from tests.support.http import serving

_ID = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
_GRID: list[list[Any]] = [
    ["id", "name", "paid", "score", "ok", ""],
    [1, "Zoë", "007", 1.5, True, "beyond"],
    [],
    [2, "", "12", 2, False],
]


class Service(BaseHTTPRequestHandler):
    """Google's and Microsoft's addresses, as far as sheets are read there."""

    titles: ClassVar[tuple[str, ...]] = ("It's", "Chart")
    book: ClassVar[bytes] = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(200, {"access_token": "known", "expires_in": 3600})

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path == "/storage/book":
            assert "Authorization" not in self.headers
            return self._send(200, self.book)
        assert self.headers["Authorization"] == "Bearer known"
        if path == "/drive/v3/files":
            return self._say(200, {"files": [{"id": _ID, "name": "Shop & more"}]})
        if path.startswith("/v4/"):
            return self._google(path)
        if path.endswith("/content"):
            return self._send(302, b"", Location=f"http://{self.headers['Host']}/storage/book")
        return self._say(*self._graph(path))

    def _google(self, path: str) -> None:
        if _ID not in path:
            return self._say(403, {"error": {"message": "The caller does not have permission"}})
        if path.endswith("'It''s'!1:10000"):
            return self._say(200, {"values": _GRID})
        assert path.endswith(_ID), path
        grid = {"title": "It's", "sheetType": "GRID", "gridProperties": {"rowCount": 1000}}
        sheets = [{"properties": grid}, {"properties": {"title": "Chart", "sheetType": "OBJECT"}}]
        return self._say(200, {"sheets": sheets})

    def _graph(self, path: str) -> tuple[int, Any]:
        if path == "/v1.0/sites":
            return 200, {"value": [{"id": "acme.test,1,2"}]}
        if path == "/v1.0/sites/acme.test,1,2/drives":
            return 200, {"value": [{"id": "b!d", "name": "Documents", "webUrl": "https://acme.test/docs"}]}
        if path == "/v1.0/me/drive":
            return 200, {"id": "d"}
        if path == "/v1.0/me/drive/root/search(q='.xlsx')":
            names = ("Shop.xlsx", "old.xls", "Shop.xlsx.pdf")
            return 200, {"value": [{"id": f"i{n}", "name": name} for n, name in enumerate(names)]}
        if path == "/v1.0/me/drive/items/i0/workbook/worksheets":
            return 200, {"value": [{"name": "People"}, {"name": "Late"}]}
        return 404, {"error": {"code": "itemNotFound", "message": f"{path} was not found"}}

    def _say(self, status: int, told: Any) -> None:
        self._send(status, json.dumps(told).encode())

    def _send(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests need no access log."""


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    with serving(Service) as port:
        here = f"http://127.0.0.1:{port}"
        routes = {SHEETS: here, FILES: here, TOKENS.rpartition("/")[0]: here, GRAPH: here, LOGIN: here}
        yield Environment(outbound_allow=("*",), routes=routes)


@pytest.fixture
def sheets(environment: Environment) -> GoogleSheetsSource:
    return a_spreadsheet(environment)


def a_spreadsheet(environment: Environment, name: str = _ID) -> GoogleSheetsSource:
    config = {"sign_in": "service_account", "service_account_key": service_account_key(), "spreadsheet": name}
    return GoogleSheetsSource(config, environment)


def test_a_google_sheet_ends_at_its_last_name_and_its_values_decide_its_types(sheets: GoogleSheetsSource) -> None:
    sheets.check()
    assert sheets.spreadsheets() == [Choice(_ID, "Shop & more")]
    assert sheets.tables() == [Table("", "It's")]
    columns = sheets.columns(Table("", "It's"))
    assert [(c.name, c.type) for c in columns] == [
        ("id", ColumnType.NUMBER),
        ("name", ColumnType.STRING),
        ("paid", ColumnType.STRING),
        ("score", ColumnType.NUMBER),
        ("ok", ColumnType.BOOLEAN),
    ]
    assert rows(sheets, 'SELECT * FROM "It\'s" ORDER BY id') == [
        {"id": 1, "name": "Zoë", "paid": "007", "score": 1.5, "ok": True},
        {"id": 2, "name": None, "paid": "12", "score": 2.0, "ok": False},
    ]


def test_what_is_wrong_with_a_spreadsheet_is_said(sheets: Source, environment: Environment) -> None:
    with pytest.raises(QueryError, match="no sheet “Gone”"):
        rows(sheets, 'SELECT * FROM "Gone"')
    with pytest.raises(AuthError, match="permission") as caught:
        a_spreadsheet(environment, "x" * 44).check()
    assert "Share the spreadsheet" in caught.value.hint
    with pytest.raises(ConfigError, match="not the address"):
        a_spreadsheet(environment, "My sheet").check()


@pytest.fixture
def excel(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> MicrosoftExcelSource:
    pytest.importorskip("python_calamine", reason="the driver is not installed; `make test` does that")
    monkeypatch.setattr(
        Service, "book", workbook({"People": _PEOPLE, "Late": "<row r='2'><c r='B2'><v>1</v></c></row>"})
    )
    config = {"tenant": "acme.test", "sign_in": "app", "app_id": "a", "app_secret": "s", "drive": ""}
    source = MicrosoftExcelSource(config, environment)
    monkeypatch.setattr(MicrosoftExcelSource, "_drive", "me/drive")
    return source


def test_an_excel_sheet_ends_with_its_first_empty_row_and_name(excel: MicrosoftExcelSource) -> None:
    excel.check()
    assert excel.drives() == [Choice("b!d", "Documents (https://acme.test/docs)")]
    assert excel.tables() == [Table("Shop.xlsx", "People"), Table("Shop.xlsx", "Late")]
    assert rows(excel, 'SELECT * FROM "Shop.xlsx"."People"') == [
        {"id": 1, "name": "Ann", "since": dt.date(2026, 2, 3)},
        {"id": 2, "name": "Bob", "since": None},
    ]
    with pytest.raises(QueryError, match="does not begin in its first cell"):
        rows(excel, 'SELECT * FROM "Shop.xlsx"."Late"')
    with pytest.raises(QueryError, match=r"no workbook “Other\.xlsx”"):
        rows(excel, 'SELECT * FROM "Other.xlsx"."People"')


def _cell(place: str, value: str, kind: str = "") -> str:
    if kind == "text":
        return f"<c r='{place}' t='inlineStr'><is><t>{value}</t></is></c>"
    return f"<c r='{place}'{kind}><v>{value}</v></c>"


_DATE = " s='1'"
_PEOPLE = (
    f"<row r='1'>{_cell('A1', 'id', 'text')}{_cell('B1', 'name', 'text')}{_cell('C1', 'since', 'text')}"
    f"{_cell('E1', 'beyond', 'text')}</row>"
    f"<row r='2'>{_cell('A2', '1')}{_cell('B2', 'Ann', 'text')}{_cell('C2', '46056', _DATE)}{_cell('E2', '9')}</row>"
    f"<row r='3'>{_cell('A3', '2')}{_cell('B3', 'Bob', 'text')}</row>"
    f"<row r='5'>{_cell('A5', '3')}</row>"
)


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_STYLES = f"<styleSheet xmlns='{_MAIN}'><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>"


def workbook(sheets: Mapping[str, str]) -> bytes:
    """A workbook as Excel writes them, with these rows."""
    listed = "".join(f"<sheet name='{n}' sheetId='{i}' r:id='r{i}'/>" for i, n in enumerate(sheets, 1))
    parts = [(f"r{i}", "worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)]
    files = {
        "[Content_Types].xml": f"<Types xmlns='{_PACKAGE}/content-types'/>",
        "_rels/.rels": _related([("r1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f"<workbook xmlns='{_MAIN}' xmlns:r='{_OFFICE}'><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _related([*parts, ("rs", "styles", "styles.xml")]),
        "xl/styles.xml": _STYLES,
    }
    for i, content in enumerate(sheets.values(), 1):
        files[f"xl/worksheets/sheet{i}.xml"] = (
            f"<worksheet xmlns='{_MAIN}'><sheetData>{content}</sheetData></worksheet>"
        )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def _related(parts: Sequence[tuple[str, str, str]]) -> str:
    links = "".join(f"<Relationship Id='{i}' Type='{_OFFICE}/{kind}' Target='{to}'/>" for i, kind, to in parts)
    return f"<Relationships xmlns='{_PACKAGE}/relationships'>{links}</Relationships>"
