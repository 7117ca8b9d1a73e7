"""Google Sheets: a sheet that mirrors a model, a new sheet for each run, or new rows below those that are there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from connectors.destinations.google_sheets.book import Book, Sheet
from connectors.destinations.google_sheets.cells import Area, chunks, header_of
from connectors.destinations.google_sheets.settings import SYNC_TYPE
from connectors.sdk.destination import DestinationDefinition, Job, Mode, RowStreams
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, RateLimited
from connectors.sdk.rest import Api, Line, RestDestination, Writer, google
from connectors.sdk.rest.destination import as_documented
from connectors.sdk.types import Choice, Operation, Verification

DRIVE = "https://www.googleapis.com/drive/v3"
SPREADSHEET = "application/vnd.google-apps.spreadsheet"
SHARE = "Share the spreadsheet as an editor with the account: with the e-mail address in the key (client_email)."
EVERY_DRIVE = {"supportsAllDrives": "true", "includeItemsFromAllDrives": "true"}
BUSY = "Let syncs to Google Sheets run one after another, or through accounts of their own."
Part = tuple[Book, Sheet, int]  # where rows go, and how many


class GoogleSheetsDestination(RestDestination):
    """The spreadsheets of an account."""

    api = Api(
        base="https://sheets.googleapis.com",
        version="v4",
        sign_in=google("https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"),
        test=("GET", f"{DRIVE}/about?fields=user"),
        errors={
            403: lambda response, message: AuthError(message, hint=SHARE),
            429: lambda response, message: RateLimited(message, hint=BUSY),
        },
        answer_bytes=64_000_000,
    )
    writers: ClassVar[Mapping[str, Writer]] = {}
    definition = DestinationDefinition(
        key="google_sheets",
        name="Google Sheets",
        category="Spreadsheets",
        summary="A sheet that mirrors a model, a new sheet for each run, or rows added below.",
        docs_url="docs/destinations/google_sheets.md",
        fields=api.sign_in.fields,
        connects=api.sign_in.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(SYNC_TYPE,),
    )

    def validate(self, job: Job) -> None:
        area = Area.of(str(job.settings.get("range") or ""))
        if job.mode is not Mode.SNAPSHOT and not (job.settings.get("sheet") or job.settings.get("sheet_name")):
            raise ConfigError("Choose a sheet.", field="sheet")
        if area.rows and job.settings.get("overflow"):
            raise ConfigError("A range does not go on in further spreadsheets.", field="overflow")

    async def spreadsheets(self) -> list[Choice]:
        """Spreadsheets that the account may see, the last ones changed first."""
        query = {
            "q": f"mimeType = '{SPREADSHEET}' and trashed = false",
            "fields": "nextPageToken,files(id,name)",
            "orderBy": "modifiedTime desc",
            "pageSize": 1_000,
            **EVERY_DRIVE,
        }
        async with self.line() as line:
            pages = line.pages(f"{DRIVE}/files", "files", next_page, query)
            return [Choice(each["id"], each["name"]) async for each in pages]

    async def sheets(self, spreadsheet: str) -> list[Choice]:
        """The sheets of a spreadsheet; they keep their IDs when they are renamed."""
        async with self.line() as line:
            return [Choice(str(each.id), each.title) for each in (await Book.open(line, spreadsheet)).sheets]

    async def write(self, job: Job, rows: RowStreams) -> None:
        """Every run writes where an interrupted one has written: nothing is there twice."""
        async with self.line(timeout_s=self.limits(job).timeout_s) as line:
            try:
                with as_documented():
                    await self._write(line, job, rows)
            except ConnectorError as error:
                raise line.cleaned(error) from error.__cause__

    async def _write(self, line: Line, job: Job, rows: RowStreams) -> None:
        settings = job.settings
        key = str(settings.get("spreadsheet") or settings.get("spreadsheet_id") or "")
        book = await Book.open(line, key, str(settings["input"]))
        area = Area.of(str(settings.get("range") or ""))
        if job.mode is Mode.INSERT:
            await append(book, chosen(book, job), area, job, rows)
            return
        sheet = await book.add(snapshot_name(job)) if job.mode is Mode.SNAPSHOT else chosen(book, job)
        await fill([part async for part in parts_of(line, book, sheet, area, job, rows)], area, rows, job)


def chosen(book: Book, job: Job) -> Sheet:
    """The sheet that the settings name."""
    return book.sheet(gid=str(job.settings.get("sheet") or ""), title=str(job.settings.get("sheet_name") or ""))


def snapshot_name(job: Job) -> str:
    """What the sheet of this run is called; names with a colon cannot be addressed."""
    name = f"{job.model_name} {job.started_at:%Y-%m-%d %H.%M.%S}".replace(":", " ")
    return name[-100:]


def typed(job: Job) -> bool:
    """Whether values are put in as if a person typed them."""
    return bool(job.settings["input"] == "USER_ENTERED")


async def parts_of(line: Line, book: Book, sheet: Sheet, area: Area, job: Job, rows: RowStreams) -> AsyncIterator[Part]:
    """Where the rows go: into the sheet, and what does not fit into further spreadsheets."""
    columns = max(1, len(rows.schema.names))
    left = rows.count(Operation.ADDED)
    area.fits(left + 1, columns)
    number = 0
    while True:
        # Columns that are there count too, as a sheet grows and never shrinks.
        fitting = book.room(sheet) // max(columns + area.column - 1, sheet.columns) - area.row
        if left <= fitting:
            yield book, sheet, left
            return
        if not job.settings.get("overflow") or fitting <= 0:
            raise ConfigError(
                f"The spreadsheet has room for {max(fitting, 0):,} rows of this kind; {left:,} are to be written.",
                field="overflow",
                hint="Go on in further spreadsheets, or send fewer columns.",
            )
        yield book, sheet, fitting
        left, number = left - fitting, number + 1
        book = await further(line, book, number, str(job.settings["input"]))
        sheet = book.sheets[0]


async def further(line: Line, book: Book, number: int, way: str) -> Book:
    """The spreadsheet name_1, name_2 and so on beside the first one, made where there is none."""
    base = book.title.removesuffix(f"_{number - 1}") if number > 1 else book.title
    about = {"fields": "parents", "supportsAllDrives": "true"}
    folder = (await line.get(f"{DRIVE}/files/{book.key}", about)).get("parents")
    if not folder:
        raise ConfigError("The account does not see the spreadsheet's folder.", field="overflow", hint="Share it, too.")
    name = f"{base}_{number}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    wanted = f"name = '{escaped}' and '{folder[0]}' in parents and mimeType = '{SPREADSHEET}' and trashed = false"
    found = (await line.get(f"{DRIVE}/files", {"q": wanted, "fields": "files(id)", **EVERY_DRIVE}))["files"]
    if not found:
        asked = {"name": name, "mimeType": SPREADSHEET, "parents": folder}
        found = [await line.post(f"{DRIVE}/files", asked, {"supportsAllDrives": "true"})]
    return await Book.open(line, found[0]["id"], way)


async def fill(parts: Sequence[Part], area: Area, rows: RowStreams, job: Job) -> None:
    """Empty the sheets, then write the header and the rows into each, one portion after another."""
    header = header_of(rows.schema)
    for at, sheet, count in parts:
        await at.grow(sheet, area.row + count, area.column + max(1, len(header)) - 1)
        await at.clear(sheet, area)
        if header:
            await at.put(sheet, area, 0, [header])
    where = iter(parts)
    at, sheet, room = next(where)
    row = 1
    for chunk in chunks(rows, typed(job)):
        rest = chunk
        while rest:
            if room == 0:
                (at, sheet, room), row = next(where), 1
            now, rest = rest[:room], rest[room:]
            await at.put(sheet, area, row, now)
            row, room = row + len(now), room - len(now)


async def append(book: Book, sheet: Sheet, area: Area, job: Job, rows: RowStreams) -> None:
    """Below what is there. A note at the sheet tells a run that was interrupted where it began."""
    count, columns = rows.count(Operation.ADDED), max(1, len(rows.schema.names))
    if not count:
        return
    key = f"headrace-sync-{job.sync_id}"
    run, _, began = sheet.marks.get(key, (0, ""))[1].partition(":")
    if run == str(job.run_id):
        row = int(began)
    else:
        row = await book.used(sheet, area)
        await book.mark(sheet, key, f"{job.run_id}:{row}")
    header = [header_of(rows.schema)] if row == 0 else []
    area.fits(row + len(header) + count, columns)
    last = area.row + row + len(header) + count - 1
    if last * max(sheet.columns, area.column + columns - 1) > book.room(sheet):
        raise ConfigError("The spreadsheet has no room for more rows.", hint="Begin a new one.", field="spreadsheet")
    await book.grow(sheet, last, area.column + columns - 1)
    if header:
        await book.put(sheet, area, row, header)
    row += len(header)
    for chunk in chunks(rows, typed(job)):
        await book.put(sheet, area, row, chunk)
        row += len(chunk)


def next_page(answer: Any) -> dict[str, str] | None:
    """How to ask for the next page."""
    following = answer.get("nextPageToken")
    return {"pageToken": following} if following else None
