"""Freshdesk: contacts and companies, and a ticket for each new row.

https://developers.freshdesk.com/api/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Limits,
    Rate,
    SyncType,
)
from connectors.sdk.fields import Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import (
    Api,
    Basic,
    Record,
    RestDestination,
    Results,
    Work,
    field,
    fields,
    missing,
    one_by_one,
)
from connectors.sdk.rest.api import at
from connectors.sdk.rest.work import text
from connectors.sdk.types import Verification

CUSTOM = "custom_fields."
RATES = (Rate(requests=90, seconds=60),)  # the smallest plan allows 100 a minute
LISTS = frozenset({"tags", "other_emails", "domains", "cc_emails"})
# What contacts can be listed by; all else is searched for.
LISTED = frozenset({"unique_external_id", "email", "phone", "mobile"})
SEARCHED = frozenset({"custom_text", "custom_number", "custom_dropdown"})
TYPES = {
    "custom_number": "number",
    "custom_decimal": "number",
    "custom_checkbox": "boolean",
    "custom_date": "date",
}
ID = field("id", "Freshdesk ID", identifier=True, description="Of a record that is there; others are refused.")
CONTACT = (
    *fields("name", "email!", "unique_external_id!", "phone!", "mobile!", "job_title", "description", "address"),
    *fields("company_id:reference", "view_all_tickets:boolean", "other_emails:any", "tags:any", "twitter_id"),
    *fields("language", "time_zone"),
    ID,
)
COMPANY = (
    field("name", required=True, identifier=True),
    *fields("description", "domains:any", "note", "health_score", "account_tier", "renewal_date:date", "industry"),
    ID,
)
TICKET = (
    field("subject", required=True),
    field("description", required=True, description="HTML is allowed."),
    field("status", kind="number", required=True, description="2 open, 3 pending, 4 resolved, 5 closed"),
    field("priority", kind="number", required=True, description="1 low, 2 medium, 3 high, 4 urgent"),
    field("email", description="Of who asks: this, or what else names the contact."),
    *fields("requester_id:reference", "phone", "unique_external_id", "twitter_id", "name"),
    *fields("source:number", "type", "tags:any", "cc_emails:any", "company_id:reference", "group_id:reference"),
    *fields("responder_id:reference", "product_id:reference", "parent_id:reference"),
    *fields("due_by:moment", "fr_due_by:moment"),
)
REQUESTER = ("email", "requester_id", "phone", "unique_external_id", "twitter_id")
# Sync type → its own fields, and the list that describes custom ones.
KINDS = {
    "contacts": (CONTACT, "contact_fields"),
    "companies": (COMPANY, "company_fields"),
    "tickets": (TICKET, "ticket_fields"),
}


def write(path: str) -> Callable[[Work], Awaitable[Results]]:
    """The writer of contacts or companies: found first, then made or changed one by one."""

    async def records(work: Work) -> Results:
        async def create(record: Record) -> None:
            await work.line.post(path, body_of(record))

        async def change(record: Record, key: str) -> None:
            await work.line.send("PUT", f"{path}/{key}", json=body_of(record))

        found = await work.look_up(lambda values: known(work, path, values[0]), chunk=1, fold=str.lower, at_once=4)
        return await one_by_one(work, found, create=create, change=change)

    return records


async def known(work: Work, path: str, value: str) -> list[tuple[str, str]]:
    """The ids of records with this value. Searches also find what only begins alike, so answers are compared."""
    by = work.match
    if by == "id":
        return [(value, value)]
    if path == "contacts" and by in LISTED:
        told = await work.line.get(path, {by: value})
    elif by == "name":
        told = (await work.line.get(f"{path}/autocomplete", {"name": value}))["companies"]
    else:
        term = f"{by.removeprefix(CUSTOM)}:{quoted(value, by, work)}"
        told = (await work.line.get(f"search/{path}", {"query": f'"{term}"'}))["results"]
    same = [each for each in told if by in LISTED or text(at(each, by) or "").lower() == value.lower()]
    return [(value, each["id"]) for each in same]


def quoted(value: str, by: str, work: Work) -> str:
    """A value in a search: numbers stand for themselves."""
    kind = next((each.native_type for each in work.job.fields if each.name == by), "")
    return value if kind == "custom_number" else "'" + value.replace("'", " ").replace('"', " ") + "'"


async def write_ticket(work: Work) -> Results:
    """One ticket, once."""
    if refusal := missing(work.records[0], *REQUESTER):
        return [refusal]
    told = {name: value for name, value in body_of(work.records[0]).items() if value is not None}
    await work.line.post("tickets", told)
    return [ACCEPTED]


def body_of(record: Record) -> Record:
    """A row as Freshdesk takes it: custom fields apart, lists as lists."""
    told: Record = {}
    for name, value in record.items():
        if name.startswith(CUSTOM):
            told.setdefault("custom_fields", {})[name.removeprefix(CUSTOM)] = value
        elif name in LISTS:
            many = value.split(",") if isinstance(value, str) else value or []
            told[name] = [each for part in many if (each := text(part).strip())]
        elif name != "id":
            told[name] = text(value) if name == "unique_external_id" and value is not None else value
    return told


def says(answer: Any) -> str:
    """Freshdesk's own words, with the fields they are about."""
    errors = "; ".join(f"{each.get('field') or 'record'}: {each['message']}" for each in answer.get("errors") or ())
    return errors or str(answer.get("message") or answer["description"])


class FreshdeskDestination(RestDestination):
    """A Freshdesk account."""

    api = Api(
        base=lambda config: f"https://{config['subdomain']}.freshdesk.com/api/v2",
        version="v2",
        sign_in=Basic(
            user=Text(
                name="api_key",
                label="API key",
                help="Profile settings → View API key, of an agent who may change what is synced.",
                secret=True,
            ),
            password="X",  # noqa: S106  # Freshdesk wants any letter there
        ),
        test=("GET", "agents/me"),
        says=says,
    )
    definition = DestinationDefinition(
        key="freshdesk",
        name="Freshdesk",
        category="Support",
        summary="Contacts and companies, and a ticket for each new row.",
        docs_url="docs/destinations/freshdesk.md",
        fields=(
            Text(
                name="subdomain",
                label="Subdomain",
                help="What stands before .freshdesk.com in the browser.",
                placeholder="acme",
                pattern=r"[A-Za-z0-9-]+",
                pattern_hint="Only the name, without .freshdesk.com.",
            ),
            *api.sign_in.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="contacts",
                name="Contacts",
                description="Contacts, matched by external ID, Freshdesk ID, e-mail address or phone number.",
                modes=(upsert(noun="contacts"), update(noun="contacts")),
                limits=Limits(batch_rows=50, concurrency=2, rates=RATES, batch_s=600),
            ),
            SyncType(
                key="companies",
                name="Companies",
                description="Companies, matched by Freshdesk ID, name, or a custom field such as your own ID.",
                modes=(upsert(noun="companies"), update(noun="companies")),
                limits=Limits(batch_rows=50, concurrency=2, rates=RATES, batch_s=600),
            ),
            SyncType(
                key="tickets",
                name="Tickets",
                description="A ticket for each new row.",
                modes=(insert("tickets"),),
                limits=Limits(batch_rows=1, concurrency=2, rates=RATES),
            ),
        ),
    )
    writers: ClassVar = {"contacts": write("contacts"), "companies": write("companies"), "tickets": write_ticket}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        own, described = KINDS[sync_type]
        async with self.line() as line:
            told = await line.get(described)
        return [*own, *(field_of(each, sync_type) for each in told if not each["default"])]


def field_of(told: Record, kind: str) -> DestinationField:
    """A custom field, under the name by which Freshdesk lists it (cf_…)."""
    native = told["type"]
    choices = ", ".join(map(str, list(told.get("choices") or ())[:20]))
    return field(
        f"{CUSTOM}{told['name']}",
        told["label"],
        TYPES.get(native, "text"),
        identifier=native in SEARCHED and kind != "tickets",
        required=kind == "tickets" and bool(told.get("required_for_agents")),
        native_type=native,
        description=f"One of {choices}" if choices else "",
    )
