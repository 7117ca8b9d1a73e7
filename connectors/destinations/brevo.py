"""Brevo: contacts, and the contacts of a list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk import receipts
from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Mode,
    Rate,
    Removal,
    RowResult,
    SyncType,
)
from connectors.sdk.errors import BatchRejected, InternalError
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.modes import insert, members, update, upsert
from connectors.sdk.rest import (
    Api,
    JobState,
    KeyHeader,
    KeyInBody,
    Line,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    by_value,
    field,
    finished,
    missing,
    row_by_row,
)
from connectors.sdk.rest.work import NO_MATCH, NOTHING_TO_REMOVE, text
from connectors.sdk.types import Choice, Operation, Verification

ATTRIBUTES = "attributes."
KINDS = {"date": "date", "float": "number", "boolean": "boolean"}
EMAIL = field("email", "E-mail", identifier=True)
CONTACT = (
    EMAIL,
    field("ext_id", "External ID", identifier=True),
    field("attributes.SMS", "Phone number", identifier=True, description="With the country's code."),
    field("id", "Contact ID", "number", identifier=True, modes=(Mode.UPDATE,), description="Made by Brevo."),
    field("emailBlacklisted", "Blocked for e-mails", "boolean"),
    field("smsBlacklisted", "Blocked for SMS", "boolean"),
    field("listIds", "Lists", "object", description="IDs of lists to be put into."),
)
MATCHES = {"email": "email_id", "ext_id": "ext_id", "attributes.SMS": "phone_id", "id": "contact_id"}
KEY = Text(name="api_key", label="API key", help="SMTP & API → API keys.", secret=True)
# Files of an import's outcome are elsewhere, at addresses that need no key.
FILES = Api(base="", sign_in=KeyInBody(key=KEY))
GONE = "already removed"
PAGE = 50
# Brevo takes ten requests a second for contacts, 36,000 an hour.
SINGLE = Limits(batch_rows=100, concurrency=2, rates=(Rate(requests=10, seconds=1),), batch_s=300)
IMPORTS = Limits(batch_rows=10_000, batch_bytes=7_000_000, rates=SINGLE.rates, timeout_s=120, batch_s=1_800)
TAKEN_OUT = Limits(batch_rows=150, concurrency=2, rates=SINGLE.rates)


async def write_contacts(work: Work) -> Results:
    """One request a contact: Brevo has nothing for several that would say what became of each."""
    if work.removing:
        return await work.each(partial(remove_contact, work), at_once=4)
    changes = work.job.mode is Mode.UPDATE or work.operation is Operation.REMOVED
    return await work.each(partial(change_contact if changes else put_contact, work), at_once=4)


async def put_contact(work: Work, record: Record) -> RowResult | None:
    """Make a contact; one that is there is updated, or refuses the row where rows are inserted."""
    if refusal := missing(record, *(work.job.identifiers[:1] or [name for name in MATCHES if name != "id"])):
        return refusal
    told = {**contact_of(record), "updateEnabled": work.job.mode is Mode.UPSERT}
    await work.line.post("contacts", told)
    return None


async def change_contact(work: Work, record: Record) -> RowResult | None:
    """Update a contact that is there."""
    if refusal := missing(record, work.match):
        return refusal
    told = contact_of({name: value for name, value in record.items() if name != work.match})
    answer = await work.line.send("PUT", path_of(record, work.match), query=matched(work), json=told, takes=(404,))
    return NO_MATCH if answer.status == 404 else None


async def remove_contact(work: Work, record: Record) -> RowResult | None:
    """Delete a contact."""
    if refusal := missing(record, work.match):
        return refusal
    answer = await work.line.send("DELETE", path_of(record, work.match), query=matched(work), takes=(404,))
    return NOTHING_TO_REMOVE if answer.status == 404 else None


async def write_list(work: Work) -> Results:
    """Import contacts into a list, or take them out of it."""
    return await work.distinct(take_out if work.leaving else put_in, fold=str.lower)


async def put_in(work: Work) -> Results:
    """One import; files that Brevo makes of it name the contacts that it left out."""

    async def start() -> str:
        body = {
            "jsonBody": [contact_of(record) for record in work.records],
            "listIds": [int(work.place)],
            "updateExistingContacts": True,
            "emptyContactsAttributes": True,
            "disableNotification": True,
        }
        return str((await work.line.post("contacts/import", body))["processId"])

    async def ask(process: str) -> JobState:
        told = await work.line.get(f"processes/{process}")
        return JobState(told["status"] in ("completed", "failed", "cancelled"), told)

    told = await finished(start, ask, within_s=1_500)
    if told["status"] != "completed":
        await receipts.current().keep("")
        raise BatchRejected(f"Brevo's import {told['status']}.")
    files = ((told.get("info") or {}).get("import") or {}).items()
    left = [refused for kind, address in files if address for refused in await left_out(work.line, kind, address)]
    return by_value([record[EMAIL.name] for record in work.records], left)


async def left_out(line: Line, kind: str, address: str) -> list[tuple[str, str]]:
    """The values in a file of contacts that were not imported, each with the reason."""
    content = (await line.beside(FILES).send("GET", address)).body.decode(errors="replace")
    if not content.strip():
        raise InternalError(f"Brevo's list of {kind.replace('_', ' ')} is empty.")
    cells = content.replace(";", ",").replace("\n", ",").split(",")
    return [(cell.strip().strip('"'), f"Brevo left it out: {kind.replace('_', ' ')}.") for cell in cells]


async def take_out(work: Work) -> Results:
    """Take contacts out of a list by their e-mail address; all of them being out already is a refusal of Brevo's."""
    addresses = [text(record[EMAIL.name]) for record in work.records]
    path = f"contacts/lists/{work.place}/contacts/remove"
    answer = await work.line.send("POST", path, json={"emails": addresses}, takes=(400,))
    told = answer.json()
    if answer.status == 400:
        if GONE not in told["message"]:
            raise BatchRejected(told["message"])
        return [NOTHING_TO_REMOVE] * len(work)
    absent = {each.lower() for each in told["contacts"].get("failure") or ()}
    return [NOTHING_TO_REMOVE if each.lower() in absent else ACCEPTED for each in addresses]


def contact_of(record: Record) -> Record:
    """A row as Brevo takes it; an empty text empties an attribute, other fields are left as they are."""
    told: Record = {}
    for name, value in record.items():
        if name.startswith(ATTRIBUTES):
            told.setdefault("attributes", {})[name.removeprefix(ATTRIBUTES)] = "" if value is None else value
        elif value is not None:
            told[name] = value
    return told


def path_of(record: Record, match: str) -> str:
    """The address of a contact."""
    return f"contacts/{quote(text(record[match]), safe='')}"


def matched(work: Work) -> Record:
    """By what the contact is meant."""
    return {"identifierType": MATCHES[work.match]}


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the folder's list with this name."""
    return next((each.value for each in await lists_of(line, job.settings["folder"]) if each.label == name), None)


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new list's id."""
    return str((await line.post("contacts/lists", {"name": name, "folderId": int(job.settings["folder"])}))["id"])


async def lists_of(line: Line, folder: str) -> list[Choice]:
    """The lists of a folder."""
    return await paged(line, f"contacts/folders/{folder}/lists", "lists")


async def paged(line: Line, path: str, items: str) -> list[Choice]:
    """A list of Brevo's, fifty at a time."""
    seen = 0

    def following(answer: Any) -> Record | None:
        nonlocal seen
        seen += len(answer.get(items) or ())
        return {"offset": seen} if answer.get(items) and seen < answer["count"] else None

    return [Choice(str(each["id"]), each["name"]) async for each in line.pages(path, items, following, {"limit": PAGE})]


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list, depends=("folder",))


class BrevoDestination(RestDestination):
    """A Brevo account."""

    api = Api(
        base="https://api.brevo.com/v3",
        version="v3",
        sign_in=KeyHeader(key=KEY, header="api-key", prefix=""),
        test=("GET", "account"),
    )
    definition = DestinationDefinition(
        key="brevo",
        name="Brevo",
        category="E-mail & lifecycle",
        summary="Contacts with their attributes, and the contacts of lists.",
        docs_url="docs/destinations/brevo.md",
        fields=api.sign_in.fields,
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="contacts",
                name="Contacts",
                description="Contacts and their attributes.",
                modes=(
                    upsert(Removal.CLEAR, Removal.DELETE, noun="contacts"),
                    update(Removal.CLEAR, Removal.DELETE, noun="contacts"),
                    insert("contacts"),
                ),
                limits=SINGLE,
            ),
            SyncType(
                key="list",
                name="Contact list",
                description="Contacts of a list, made or updated on the way.",
                modes=members("list"),
                settings=(Select(name="folder", label="Folder", discover="folders"), *LIST.settings, SPLIT_RETRY),
                limits=IMPORTS,
                split_retry=True,
            ),
        ),
    )
    writers: ClassVar = {"contacts": write_contacts, "list": write_list}
    places: ClassVar = {"list": LIST}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        if job.sync_type == "contacts":
            return row_by_row(SINGLE, job)
        out = job.mode is Mode.REMOVE or operation in (None, Operation.REMOVED)
        return TAKEN_OUT if out else IMPORTS

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        own = CONTACT if sync_type == "contacts" else (EMAIL, field("attributes.SMS", "Phone number"))
        known = {each.name for each in own}
        async with self.line() as line:
            told = (await line.get("contacts/attributes")).get("attributes") or ()
        found = [attribute(each) for each in told if each["category"] in ("normal", "category")]
        return [*own, *(each for each in found if each.name not in known)]

    async def folders(self) -> list[Choice]:
        """The account's folders."""
        async with self.line() as line:
            return await paged(line, "contacts/folders", "folders")

    async def lists(self, folder: str) -> list[Choice]:
        """The lists of a folder."""
        async with self.line() as line:
            return await lists_of(line, folder)


def attribute(told: Record) -> DestinationField:
    """An attribute of contacts."""
    kind = told.get("type") or "text"
    return field(ATTRIBUTES + told["name"], told["name"], KINDS.get(kind, "text"), native_type=kind)
