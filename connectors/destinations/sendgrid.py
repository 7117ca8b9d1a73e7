"""Twilio SendGrid: contacts in a list, and one e-mail a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from connectors.sdk import receipts
from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Rate,
    SyncType,
)
from connectors.sdk.errors import BatchRejected
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.modes import insert, upsert
from connectors.sdk.rest import (
    Api,
    JobState,
    KeyHeader,
    Line,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    field,
    fields,
    finished,
    missing,
)
from connectors.sdk.rest.work import text
from connectors.sdk.types import Choice, Verification

HOSTS = {"global": "https://api.sendgrid.com/v3", "eu": "https://api.eu.sendgrid.com/v3"}
CUSTOM = "custom_fields."
KINDS = {"Number": "number", "Date": "moment"}
CONTACT = fields(
    field("email", identifier=True, required=True),
    *("first_name", "last_name", "phone_number_id", "external_id", "anonymous_id", "alternate_emails:list"),
    *("address_line_1", "address_line_2", "city", "state_province_region", "postal_code", "country"),
)
MAIL = (
    field("to", "To", required=True, description="E-mail address."),
    field("to_name", "Name of the recipient"),
    *fields("subject", "reply_to"),
    field("html", "HTML", description="Where no template is chosen."),
    field("text", "Plain text", description="Where no template is chosen."),
)
PAGE = 100


async def write_contacts(work: Work) -> Results:
    """One job for the batch; SendGrid tells how many contacts it refused."""
    results = [missing(record, "email") or ACCEPTED for record in work.records]
    people = [contact_of(record) for record, each in zip(work.records, results, strict=True) if each.accepted]
    if not people:
        return results

    async def start() -> str:
        body = {"list_ids": [work.place], "contacts": people}
        return str((await work.line.send("PUT", "marketing/contacts", json=body)).json()["job_id"])

    async def ask(job: str) -> JobState:
        told = await work.line.get(f"marketing/contacts/imports/{job}")
        return JobState(told["status"] != "pending", told)

    told = await finished(start, ask, within_s=1_500)
    if told["status"] != "completed":
        await receipts.current().keep("")
        refused = (told.get("results") or {}).get("errored_count") or len(people)
        raise BatchRejected(f"SendGrid refused {refused} of {len(people)} contacts.")
    return results


def contact_of(record: Record) -> Record:
    """A contact as SendGrid takes it: addresses in lower case, as others would be somebody else."""
    told: Record = {}
    for name, value in record.items():
        if name.startswith(CUSTOM):
            told.setdefault("custom_fields", {})[name.removeprefix(CUSTOM)] = value
        else:
            told[name] = text(value).lower() if name == "email" else value
    return told


async def write_mail(work: Work) -> Results:
    """One e-mail, once."""
    record = work.records[0]
    if refusal := missing(record, "to"):
        return [refusal]
    template = work.settings.get("template")
    if not template and (refusal := missing(record, "html", "text") or missing(record, "subject")):
        return [refusal]
    await work.line.send("POST", "mail/send", json=mail_of(record, work.settings))
    return [ACCEPTED]


def mail_of(record: Record, settings: Mapping[str, Any]) -> Record:
    """An e-mail as SendGrid takes it: columns that it does not know fill the template."""
    to: Record = {"email": text(record["to"]), **({"name": record["to_name"]} if record.get("to_name") else {})}
    person: Record = {"to": [to]}
    sender = {"email": settings["sender"], **({"name": settings["sender_name"]} if settings.get("sender_name") else {})}
    told: Record = {"personalizations": [person], "from": sender}
    if record.get("subject"):
        told["subject"] = record["subject"]
    if record.get("reply_to"):
        told["reply_to"] = {"email": record["reply_to"]}
    if settings.get("template"):
        own = {each.name for each in MAIL}
        told["template_id"] = settings["template"]
        person["dynamic_template_data"] = {name: value for name, value in record.items() if name not in own}
    else:
        kinds = (("text", "text/plain"), ("html", "text/html"))
        told["content"] = [{"type": kind, "value": text(record[n])} for n, kind in kinds if record.get(n)]
    if settings.get("unsubscribe"):
        told["asm"] = {"group_id": int(settings["unsubscribe"])}
    return told


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the list with this name."""
    return next((each.value for each in await lists_of(line) if each.label == name), None)


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new list's id."""
    return str((await line.post("marketing/lists", {"name": name[:100]}))["id"])


async def lists_of(line: Line) -> list[Choice]:
    """The lists there are."""
    pages = line.pages("marketing/lists", "result", next_page, {"page_size": PAGE})
    return [Choice(each["id"], each["name"]) async for each in pages]


def next_page(answer: Any) -> str | None:
    """The address of the next page."""
    return (answer.get("_metadata") or {}).get("next")


def says(answer: Any) -> str:
    """SendGrid's own words."""
    told = answer["errors"]
    return "; ".join(f"{e['field']}: {e['message']}" if e.get("field") else str(e["message"]) for e in told)


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list)


class SendgridDestination(RestDestination):
    """A Twilio SendGrid account."""

    api = Api(
        base=lambda config: HOSTS[config.get("region") or "global"],
        version="v3",
        sign_in=KeyHeader(key=Text(name="api_key", label="API key", help="Settings → API keys.", secret=True)),
        test=("GET", "scopes"),
        says=says,
    )
    definition = DestinationDefinition(
        key="sendgrid",
        name="Twilio SendGrid",
        category="E-mail & lifecycle",
        summary="Marketing contacts in a list, and one e-mail a row.",
        docs_url="docs/destinations/sendgrid.md",
        fields=(
            Select(
                name="region",
                label="Region",
                default="global",
                choices=(Choice("global", "Global"), Choice("eu", "Europe", "For subusers that are pinned to it.")),
            ),
            *api.sign_in.fields,
        ),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="contacts",
                name="Contacts",
                description="Marketing contacts, put into a list.",
                modes=(upsert(noun="contacts"),),
                settings=(*LIST.settings, SPLIT_RETRY),
                # SendGrid takes 30,000 contacts or 6 MB a request.
                limits=Limits(
                    batch_rows=10_000,
                    batch_bytes=5_000_000,
                    concurrency=2,
                    rates=(Rate(requests=2, seconds=2),),
                    timeout_s=60,
                    batch_s=1_800,
                ),
                split_retry=True,
            ),
            SyncType(
                key="mail",
                name="Mail",
                description="One e-mail for each new row.",
                modes=(insert("e-mails"),),
                settings=(
                    Text(name="sender", label="From", help="A verified sender, or an address of a verified domain."),
                    Text(name="sender_name", label="Name of the sender", required=False),
                    Select(name="template", label="Dynamic template", discover="templates", required=False),
                    Select(name="unsubscribe", label="Unsubscribe group", discover="groups", required=False),
                ),
                limits=Limits(batch_rows=1, concurrency=8, rates=(Rate(requests=500, seconds=1),)),
                custom_fields=True,
            ),
        ),
    )
    writers: ClassVar = {"contacts": write_contacts, "mail": write_mail}
    places: ClassVar = {"contacts": LIST}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "mail":
            return MAIL
        async with self.line() as line:
            told = (await line.get("marketing/field_definitions")).get("custom_fields") or ()
        return [*CONTACT, *(custom_field(each) for each in told)]

    async def lists(self) -> list[Choice]:
        """The lists there are."""
        async with self.line() as line:
            return await lists_of(line)

    async def templates(self) -> list[Choice]:
        """The dynamic templates."""
        async with self.line() as line:
            pages = line.pages("templates", "result", next_page, {"generations": "dynamic", "page_size": PAGE})
            return [Choice(each["id"], each["name"]) async for each in pages]

    async def groups(self) -> list[Choice]:
        """The unsubscribe groups."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["name"]) for each in await line.get("asm/groups")]


def custom_field(told: Record) -> DestinationField:
    """A custom field, which SendGrid knows by its ID."""
    kind = KINDS.get(told["field_type"], "text")
    return field(CUSTOM + told["id"], told["name"], kind, native_type=told["field_type"])
