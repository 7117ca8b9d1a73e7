"""Excel workbooks of a OneDrive or SharePoint drive: found and fetched by Microsoft Graph, read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.net import Client, Consent, Request, Response, words
from connectors.sdk.net.doors import run
from connectors.sdk.rest import Api, ClientCredentials, Either, OAuthApp
from connectors.sdk.rest.api import Line, at
from connectors.sdk.rest.blocking import opened
from connectors.sdk.rest.sign_in import Config
from connectors.sdk.sheet_source import Cells, SheetSource
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Choice, Table, Verification

ORIGIN, LOGIN = "https://graph.microsoft.com", "https://login.microsoftonline.com"
_ENDING, _MOST = ".xlsx", 200  # workbooks whose sheets are listed
_FILE_BYTES = 256 << 20
_FETCH_S = 300.0
_TENANT = Text(
    name="tenant",
    label="Directory (tenant) ID",
    help="Of the app registration in Microsoft Entra.",
    pattern=r"[A-Za-z0-9.-]+",
    pattern_hint="An ID, or the domain of the directory.",
)


def _refused(response: Response, message: str) -> ConnectorError:
    said = words(response) or message
    if response.status == 403:
        return AuthError(said, hint="Let the app read files (Files.Read.All), and an admin of the directory agree.")
    return ConfigError(said, field="drive", hint="Check the ID of the drive.")


def _tokens(config: Config) -> str:
    return f"{LOGIN}/{config['tenant']}/oauth2/v2.0/token"


_DRIVES = {"$select": "id,name,webUrl"}
_SITES = 50  # whose drives are listed
API = Api(
    base=f"{ORIGIN}/v1.0",
    sign_in=Either(
        ways={
            "oauth": (
                Choice("oauth", "Sign in as a user", "Through your own app; an admin may have to approve it."),
                OAuthApp(
                    page=lambda config: f"{LOGIN}/{config['tenant']}/oauth2/v2.0/authorize",
                    tokens=_tokens,
                    scopes=("Files.Read.All", "offline_access"),
                    app="Microsoft Entra → App registrations",
                ),
            ),
            "app": (
                Choice("app", "As an app", "With a client secret; the drive has to be named."),
                ClientCredentials(
                    tokens=_tokens,
                    client_id=Text(name="app_id", label="Application (client) ID", help="Of the app registration."),
                    client_secret=Text(name="app_secret", label="Client secret", secret=True),
                    scope=f"{ORIGIN}/.default",
                    in_header=False,
                ),
            ),
        }
    ),
    errors=dict.fromkeys((400, 403, 404), _refused),
)


class MicrosoftExcelSource(SheetSource):
    """One drive: workbooks are schemas, and each of their sheets is a table."""

    ends_at_gap = True

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="microsoft_excel",
        name="Microsoft Excel",
        category="Spreadsheets",
        summary="The sheets of Excel workbooks in OneDrive or SharePoint.",
        docs_url="docs/sources/microsoft_excel.md",
        dialect="duckdb",
        methods=("table", "sql"),
        table_word="Sheet",
        verification=Verification.DOCS,
        connects=API.sign_in.connects,
        fields=(
            _TENANT,
            *API.sign_in.fields,
            Text(
                name="drive",
                label="Drive ID",
                help="Of a SharePoint library or a OneDrive. Left out, the own drive of the person who signed in.",
                required=False,
                pattern=r"[A-Za-z0-9!_-]+",
                pattern_hint="An ID such as b!-RIj2DuyvEyV1T4NlOaMHk8XkS_I8MdF….",
                max_length=200,
                discover="drives",
            ),
        ),
    )

    def check(self) -> None:
        """Look at the drive."""
        with self._line() as line:
            run(line.get(self._drive, {"$select": "id"}))

    def consent(self) -> Consent | None:
        """How a person signs in with Microsoft, where that is chosen."""
        hidden = API.sign_in.secrets(self.config)
        return API.sign_in.consent(self.config, lambda: Client(self.environment, secrets=hidden))

    def drives(self) -> Sequence[Choice]:
        """The drives of the person who signed in, or of all sites that an app may see."""
        with self._line() as line:
            if self.config.get("sign_in") != "app":
                return _drives(run(line.get("me/drives", _DRIVES)))
            sites = run(line.get("sites", {"search": "*", "$select": "id", "$top": _SITES})).get("value") or ()
            found = [run(line.get(f"sites/{quote(site['id'])}/drives", _DRIVES)) for site in sites]
            return [drive for told in found for drive in _drives(told)]

    def tables(self) -> Sequence[Table]:
        """The sheets of the drive's workbooks, each under the name of its workbook."""
        with self._line() as line:
            books = self._books(line)
            if len(books) > _MOST:
                self.left_out = f'There are more than {_MOST} workbooks: name others in SQL, as "Book.xlsx"."Sheet".'
            found = []
            for name, item in sorted(books.items())[:_MOST]:
                told = run(line.get(f"{self._drive}/items/{quote(item)}/workbook/worksheets", {"$select": "name"}))
                found += [Table(name, str(sheet["name"])) for sheet in told.get("value") or ()]
            return found

    def _cells(self, schema: str, name: str) -> Iterator[Cells]:
        library = driver("python_calamine", "python-calamine")
        with self._line() as line:
            item = self._books(line).get(schema)
            if item is None:
                raise QueryError(
                    f"There is no workbook “{schema}”.", hint="It was renamed, moved to another drive or deleted."
                )
            data = self._fetched(line, item)
        try:
            sheet = library.load_workbook(BytesIO(data)).get_sheet_by_name(name)
        except library.WorksheetNotFound as error:
            raise QueryError(f"“{schema}” has no sheet “{name}”.", hint="It was renamed or deleted.") from error
        except library.CalamineError as error:
            hint = "Open it in Excel and save it as .xlsx, without a password."
            raise QueryError(f"“{schema}” cannot be read: {error}", hint=hint) from error
        start = sheet.start or (0, 0)
        if start != (0, 0):
            raise QueryError(
                f"The data of the sheet “{name}” does not begin in its first cell.", hint="Move it to the top left."
            )
        yield from sheet.iter_rows()

    def _fetched(self, line: Line, item: str) -> bytes:
        """A workbook, from an address that holds for minutes and wants no token."""
        path = f"{self._drive}/items/{quote(item)}/content"
        address = run(line.send("GET", path, takes=(302,))).headers.get("location", "")
        answer = run(_content(self, address))
        if answer.status != 200 or answer.truncated:
            most = f" Workbooks may have {_FILE_BYTES >> 20} MB." if answer.truncated else ""
            raise Unavailable(f"The workbook could not be fetched ({answer.status}).{most}")
        return answer.body

    def _books(self, line: Line) -> Mapping[str, str]:
        """The items of the drive's workbooks by name; where several share one, each has its folder before it."""

        async def search() -> list[Any]:
            asked = {"$select": "id,name,parentReference", "$top": 200}
            pages = line.pages(f"{self._drive}/root/search(q='{_ENDING}')", "value", _next, asked)
            return [item async for item in pages if str(item["name"]).lower().endswith(_ENDING)]

        items = run(search())
        often = Counter(str(item["name"]) for item in items)

        def called(item: Any) -> str:
            name = str(item["name"])
            return name if often[name] == 1 else f"{at(item, 'parentReference.name') or ''}/{name}"

        return {called(item): str(item["id"]) for item in items}

    @property
    def _drive(self) -> str:
        named = str(self.config.get("drive") or "").strip()
        if not named and self.config.get("sign_in") == "app":
            raise ConfigError("An app has no drive of its own.", field="drive", hint="Give the ID of the drive.")
        return f"drives/{quote(named)}" if named else "me/drive"

    @contextmanager
    def _line(self) -> Iterator[Any]:
        with opened(API, self.config, self.environment) as line:
            yield line


def _drives(told: Any) -> list[Choice]:
    return [Choice(str(d["id"]), f"{d.get('name') or d['id']} ({d.get('webUrl') or ''})") for d in told["value"]]


async def _content(source: MicrosoftExcelSource, address: str) -> Response:
    async with Client(source.environment, secrets=[address], max_response_bytes=_FILE_BYTES) as client:
        return await client.send(Request("GET", address, timeout_s=_FETCH_S))


def _next(answer: Any) -> str | None:
    return str(answer.get("@odata.nextLink") or "") or None
