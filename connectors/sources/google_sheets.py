"""The sheets of one Google spreadsheet, by the Sheets API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.net import Client, Consent, Response, words
from connectors.sdk.net.doors import run
from connectors.sdk.rest import Api, google
from connectors.sdk.rest.api import Line, at
from connectors.sdk.rest.blocking import opened
from connectors.sdk.sheet_source import Cells, SheetSource
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Choice, Table, Verification

ORIGIN = "https://sheets.googleapis.com"
FILES = "https://www.googleapis.com"
_ID = r"(?:https://docs\.google\.com/spreadsheets/(?:u/\d+/)?d/)?(?P<id>[A-Za-z0-9_-]{20,})(?:[/?#].*)?"
_ROWS = 10_000  # of one request
_RIGHTS = "Share the spreadsheet with the account that reads it (a service account has an e-mail address), as a viewer."


def _refused(response: Response, message: str) -> ConnectorError:
    said = words(response) or message
    if response.status == 403:
        return AuthError(said, hint=_RIGHTS)
    if response.status == 404:
        return ConfigError(said, field="spreadsheet", hint=f"Check the address of the spreadsheet. {_RIGHTS}")
    if response.status == 500:
        hint = (
            "Charts and pivot tables may be the cause: keep the data in a spreadsheet without (IMPORTRANGE copies it)."
        )
        return Unavailable(said, hint=hint)
    if "Unable to parse range" in said:
        return QueryError(said, hint="The sheet was renamed or deleted: choose another one in the model.")
    return ConfigError(
        said, field="spreadsheet", hint="Only Google Sheets are read: save Excel files as Google Sheets."
    )


API = Api(
    base=f"{ORIGIN}/v4",
    sign_in=google(
        "https://www.googleapis.com/auth/spreadsheets.readonly",
        "https://www.googleapis.com/auth/drive.metadata.readonly",  # for the list of spreadsheets
    ),
    errors=dict.fromkeys((400, 403, 404, 500), _refused),
    answer_bytes=128 << 20,
)
DRIVE = replace(API, base=f"{FILES}/drive/v3", errors={})


class GoogleSheetsSource(SheetSource):
    """One spreadsheet: each of its sheets is a table."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="google_sheets",
        name="Google Sheets",
        category="Spreadsheets",
        summary="The sheets of a Google spreadsheet.",
        docs_url="docs/sources/google_sheets.md",
        dialect="duckdb",
        methods=("table", "sql"),
        table_word="Sheet",
        verification=Verification.DOCS,
        connects=API.sign_in.connects,
        fields=(
            *API.sign_in.fields,
            Text(
                name="spreadsheet",
                label="Spreadsheet",
                help="Its address, or the ID in it. Excel files in Google Drive have to be saved as Google Sheets.",
                placeholder="https://docs.google.com/spreadsheets/d/…",
                pattern=_ID,
                pattern_hint="Paste the address of the spreadsheet from the browser.",
                max_length=500,
                discover="spreadsheets",
            ),
        ),
    )

    def consent(self) -> Consent | None:
        """How a person signs in with Google, where that is chosen."""
        hidden = API.sign_in.secrets(self.config)
        return API.sign_in.consent(self.config, lambda: Client(self.environment, secrets=hidden))

    def spreadsheets(self) -> Sequence[Choice]:
        """What is shared with the account, last changed first."""
        asked = {
            "q": "mimeType = 'application/vnd.google-apps.spreadsheet' and trashed = false",
            "orderBy": "modifiedTime desc",
            "fields": "files(id,name)",
            "pageSize": 1_000,
            "supportsAllDrives": "true",
            "includeItemsFromAllDrives": "true",
        }
        with opened(DRIVE, self.config, self.environment) as line:
            told = run(line.get("files", asked))
        return [Choice(str(file["id"]), str(file["name"])) for file in told.get("files") or ()]

    def tables(self) -> Sequence[Table]:
        """The sheets that hold cells, in their order."""
        with self._line() as line:
            return [Table("", title) for title in self._sheets(line)]

    def _cells(self, schema: str, name: str) -> Iterator[Cells]:
        with self._line() as line:
            sheets = self._sheets(line)
            if name not in sheets:
                raise QueryError(
                    f"There is no sheet “{name}”.", hint="It was renamed or deleted: choose another one in the model."
                )
            for start in range(1, sheets[name] + 1, _ROWS):
                found = self._values(line, name, start)
                yield from found
                # What is empty at the end of a request is left out.
                yield from [()] * (min(_ROWS, sheets[name] - start + 1) - len(found))

    def _values(self, line: Line, title: str, start: int) -> list[Cells]:
        place = quote(f"'{title.replace(chr(39), chr(39) * 2)}'!{start}:{start + _ROWS - 1}", safe="")
        asked = {
            "majorDimension": "ROWS",
            "valueRenderOption": "UNFORMATTED_VALUE",
            "dateTimeRenderOption": "FORMATTED_STRING",
        }
        answer = run(line.get(f"spreadsheets/{self._id}/values/{place}", asked))
        found: list[Cells] = answer.get("values") or []
        return found

    def _sheets(self, line: Line) -> Mapping[str, int]:
        """How many rows each sheet has, by its title."""
        asked = {"fields": "sheets.properties(title,sheetType,gridProperties.rowCount)"}
        told = run(line.get(f"spreadsheets/{self._id}", asked))
        about = [each["properties"] for each in told.get("sheets") or ()]
        return {
            str(each["title"]): int(at(each, "gridProperties.rowCount") or 0)
            for each in about
            if each.get("sheetType", "GRID") == "GRID"
        }

    @property
    def _id(self) -> str:
        found = re.fullmatch(_ID, str(self.config.get("spreadsheet") or "").strip())
        if not found:
            raise ConfigError("This is not the address of a Google spreadsheet.", field="spreadsheet")
        return str(found["id"])

    @contextmanager
    def _line(self) -> Iterator[Any]:
        with opened(API, self.config, self.environment) as line:
            yield line
