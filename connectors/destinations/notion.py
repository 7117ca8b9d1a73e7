"""Notion: rows of databases.

Pages: https://developers.notion.com/reference/patch-page; data sources, as the API has called the tables of a
database since 2025-09-03: https://developers.notion.com/docs/upgrade-guide-2025-09-03; limits:
https://developers.notion.com/reference/request-limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from connectors.sdk.destination import DestinationDefinition, DestinationField, Limits, Rate, Removal, SyncType
from connectors.sdk.errors import BatchRejected, Gone, Unavailable
from connectors.sdk.fields import Select, Text
from connectors.sdk.modes import update, upsert
from connectors.sdk.rest import (
    Api,
    Either,
    KeyHeader,
    OAuthApp,
    Record,
    RestDestination,
    Results,
    Work,
    field,
    one_by_one,
)
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Choice, Verification

VERSION = "2025-09-03"
PAGE = 100
PIECE = 1_000  # characters of a piece of text; Notion takes 2,000 as it counts them, where an emoji is two
NOT_SHARED = "In Notion, open the database, choose ••• → Connections, and add this connection."
MATCHED = frozenset({"title", "rich_text"})
TYPES = {"number": "number", "checkbox": "boolean", "date": "date", "multi_select": "any"}


def pieces(value: Any) -> list[Record]:
    """Text as Notion takes it."""
    told = dumps(value).decode() if isinstance(value, list | dict) else "" if value is None else text(value)
    return [{"text": {"content": told[start : start + PIECE]}} for start in range(0, len(told), PIECE)]


def number(value: Any) -> Any:
    """A number, also out of text; raises ``BatchRejected`` where it is none."""
    if value in (None, "") or (isinstance(value, int | float | Decimal) and not isinstance(value, bool)):
        return None if value == "" else value
    try:
        made = Decimal(text(value).strip())
    except InvalidOperation as error:
        raise BatchRejected(f"“{text(value)[:100]}” is not a number.") from error
    return int(made) if made == made.to_integral_value() and abs(made) < 10**15 else made


def checked(value: Any) -> bool:
    """Whether a box is ticked."""
    return value is True or text("" if value is None else value).strip().lower() in ("true", "1", "yes")


def names(value: Any) -> list[Record]:
    """Several choices: a list, or text with commas."""
    many = value if isinstance(value, list) else [] if value is None else text(value).split(",")
    return [{"name": told} for each in many if each is not None and (told := text(each).strip())]


def chosen(value: Any) -> Record | None:
    """One choice; nothing takes it away."""
    return {"name": text(value)} if value not in (None, "") else None


def plain(value: Any) -> str | None:
    """Text in one piece; an empty one is nothing."""
    return text(value) if value not in (None, "") else None


def day(value: Any) -> Record | None:
    """A day or a moment, without an end."""
    return {"start": text(value)} if value not in (None, "") else None


# The properties that can be written, and how: https://developers.notion.com/reference/page-property-values
ENCODERS: Mapping[str, Callable[[Any], Any]] = {
    "title": pieces,
    "rich_text": pieces,
    "number": number,
    "checkbox": checked,
    "date": day,
    "email": plain,
    "phone_number": plain,
    "url": plain,
    "select": chosen,
    "status": chosen,
    "multi_select": names,
}


def properties_of(work: Work, record: Record) -> Record:
    """A row as properties by their ids, which stay when a property is renamed."""
    kinds = {each.name: each.native_type for each in work.job.fields}
    return {name: {kinds[name]: ENCODERS[kinds[name]](value)} for name, value in record.items()}


async def write_rows(work: Work) -> Results:
    """Found by a text property, then made, changed or put into the trash one by one."""
    source = str(work.settings["database"])

    async def create(record: Record) -> None:
        parent = {"type": "data_source_id", "data_source_id": source}
        await work.line.post("pages", {"parent": parent, "properties": properties_of(work, record)})

    async def change(record: Record, key: str) -> None:
        await work.line.send("PATCH", f"pages/{key}", json={"properties": properties_of(work, record)})

    async def remove(record: Record, key: str) -> None:
        await work.line.send("PATCH", f"pages/{key}", json={"in_trash": True}, takes=(404,))

    found = await work.look_up(lambda values: known(work, source, values), chunk=50)
    return await one_by_one(work, found, create=create, change=change, remove=remove, at_once=2)


async def known(work: Work, source: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """The ids of pages whose property has one of these values."""
    kind = next(each.native_type for each in work.job.fields if each.name == work.match)
    query = {"filter": {"or": [{"property": work.match, kind: {"equals": value}} for value in values]}}
    pages = work.line.pages(f"data_sources/{source}/query", "results", next_page, query, posted=True)
    found: list[tuple[str, str]] = []
    async for page in pages:
        told = next(each for each in page["properties"].values() if each["id"] == work.match)
        found.append(("".join(piece["plain_text"] for piece in told[kind]), page["id"]))
    return found


def next_page(answer: Record) -> Record | None:
    """How to ask for the next page."""
    return {"start_cursor": answer["next_cursor"]} if answer.get("has_more") else None


class NotionDestination(RestDestination):
    """What a connection of a Notion workspace was given access to."""

    api = Api(
        base="https://api.notion.com/v1",
        version=VERSION,
        headers={"Notion-Version": VERSION},
        sign_in=Either(
            ways={
                "token": (
                    Choice("token", "Internal integration", "A secret made under notion.so/profile/integrations."),
                    KeyHeader(key=Text(name="token", label="Integration secret", placeholder="ntn_…", secret=True)),
                ),
                "oauth": (
                    Choice("oauth", "Your own OAuth app", "A person signs in at Notion and chooses pages."),
                    OAuthApp(
                        page="https://api.notion.com/v1/oauth/authorize",
                        tokens="https://api.notion.com/v1/oauth/token",
                        scopes=(),
                        parameters={"owner": "user"},
                        in_header=True,
                        app="notion.so/profile/integrations → New integration → Public",
                    ),
                ),
            }
        ),
        test=("GET", "users/me"),
        errors={
            404: lambda response, message: Gone(message, hint=NOT_SHARED),
            409: lambda response, message: Unavailable(message),  # two changes met: “please try again”
        },
    )
    definition = DestinationDefinition(
        key="notion",
        name="Notion",
        category="Spreadsheets",
        summary="Rows of databases, matched by a text property.",
        docs_url="docs/destinations/notion.md",
        fields=api.sign_in.fields,
        connects=api.sign_in.connects,
        verification=Verification.SPEC,
        sync_types=(
            SyncType(
                key="rows",
                name="Database rows",
                description="Rows of a model become rows of a database.",
                modes=(upsert(Removal.CLEAR, Removal.DELETE, noun="rows"), update(Removal.CLEAR, noun="rows")),
                settings=(Select(name="database", label="Database", help=NOT_SHARED, discover="databases"),),
                limits=Limits(batch_rows=50, concurrency=2, rates=(Rate(requests=3, seconds=1),), batch_s=300),
            ),
        ),
    )
    writers: ClassVar = {"rows": write_rows}

    async def databases(self) -> list[Choice]:
        """Tables of databases that the connection was given access to."""
        query = {"filter": {"property": "object", "value": "data_source"}, "page_size": PAGE}
        async with self.line() as line:
            found = [each async for each in line.pages("search", "results", next_page, query, posted=True)]
        return [Choice(each["id"], "".join(t["plain_text"] for t in each["title"]) or "Untitled") for each in found]

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if not settings.get("database"):
            return ()
        async with self.line() as line:
            told = (await line.get(f"data_sources/{settings['database']}"))["properties"]
        return [field_of(name, each) for name, each in told.items() if each["type"] in ENCODERS]


def field_of(name: str, told: Record) -> DestinationField:
    """A property that can be written."""
    kind = told["type"]
    options = ", ".join(each["name"] for each in (told.get(kind) or {}).get("options", ())[:20])
    return field(
        told["id"], name, TYPES.get(kind, "text"), identifier=kind in MATCHED, native_type=kind,
        description=f"Such as {options}" if options else "",
    )  # fmt: skip
