"""Pipedrive: organizations, persons, deals and leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Limits,
    Mode,
    Rate,
    Removal,
    SyncType,
)
from connectors.sdk.fields import Text
from connectors.sdk.modes import update, upsert
from connectors.sdk.rest import Api, KeyHeader, Record, RestDestination, Results, Work, field, one_by_one
from connectors.sdk.types import Verification

V2, V1 = "api/v2", "api/v1"
# Sync type → what it is in addresses, in searches, and whose custom fields it has.
KINDS = {
    "organization": (f"{V2}/organizations", "organization", "organizationFields"),
    "person": (f"{V2}/persons", "person", "personFields"),
    "deal": (f"{V2}/deals", "deal", "dealFields"),
    "lead": (f"{V1}/leads", "lead", "dealFields"),  # leads have no second version yet, and share the fields of deals
}
REQUIRED = {"organization": "name", "person": "name", "deal": "title", "lead": "title"}
SEARCHED = frozenset({"varchar", "varchar_auto", "text", "double", "monetary", "phone", "address", "int"})
TYPES = {"double": "number", "int": "number", "monetary": "number", "date": "date", "boolean": "boolean"}
# What leads take besides custom fields; they cannot be asked for it.
LEAD = ("title", "person_id", "organization_id", "owner_id", "value", "expected_close_date", "label_ids", "origin_id")
MADE_BY_PIPEDRIVE = frozenset({"id", "add_time", "update_time", "activities_count"})
CUSTOM = 40  # characters of a custom field's key
AT_ONCE = 4


def write(kind: str) -> Callable[[Work], Any]:
    """The writer of one kind of record: found by a field, then made, changed or deleted one by one."""
    path, entity, _ = KINDS[kind]

    async def ask(work: Work, values: Sequence[str]) -> list[tuple[str, str]]:
        query = {"term": values[0], "field": work.match, "entity_type": entity, "match": "exact", "limit": 100}
        found = (await work.line.get(f"{V2}/itemSearch/field", query))["data"] or ()
        return [(values[0], record["id"]) for record in found]

    async def records(work: Work) -> Results:
        async def asked(values: Sequence[str]) -> list[tuple[str, str]]:
            return [(values[0], values[0])] if work.match == "id" else await ask(work, values)

        async def create(record: Record) -> None:
            await work.line.post(path, body_of(kind, record))

        async def change(record: Record, key: str) -> None:
            await work.line.send("PATCH", f"{path}/{key}", json=body_of(kind, record))

        async def remove(record: Record, key: str) -> None:
            await work.line.send("DELETE", f"{path}/{key}", takes=(404, 410))

        found = await work.look_up(asked, chunk=1, fold=str.lower, at_once=AT_ONCE)
        return await one_by_one(work, found, create=create, change=change, remove=remove, at_once=AT_ONCE)

    return records


def body_of(kind: str, record: Record) -> Record:
    """A record as Pipedrive takes it: custom fields in an object of their own, addresses and numbers as lists."""
    told: Record = {}
    for name, value in record.items():
        if len(name) == CUSTOM and kind != "lead":
            told.setdefault("custom_fields", {})[name] = value
        elif name in ("email", "phone") and kind == "person":
            told[f"{name}s"] = contacts(value)
        elif name == "value" and kind == "lead" and not isinstance(value, dict | None):
            told["value"] = {"amount": value, "currency": record.get("currency")}
        elif name != "id" and not (name == "currency" and kind == "lead"):
            told[name] = value
    return told


def contacts(value: Any) -> list[Record]:
    """E-mail addresses or phone numbers: one, or a list of them, the first as the primary one."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [{"value": each, "primary": n == 0} for n, each in enumerate(values) if each]


def sync_type(key: str, plural: str) -> SyncType:
    """One kind of record."""
    return SyncType(
        key=key,
        name=plural,
        description=f"{plural}, matched by a field or, in update mode, by their ID.",
        modes=(
            upsert(Removal.DELETE, noun=plural.lower()),
            update(Removal.DELETE, noun=plural.lower()),
        ),
        limits=Limits(batch_rows=50, concurrency=2, rates=(Rate(requests=10, seconds=2),), batch_s=600),
    )


class PipedriveDestination(RestDestination):
    """A company's Pipedrive account."""

    api = Api(
        base=lambda config: f"https://{config['company']}.pipedrive.com",
        version="v2",
        sign_in=KeyHeader(
            key=Text(
                name="api_token",
                label="API token",
                help="Settings → Personal preferences → API, of a user who may change what is synced.",
                secret=True,
            ),
            header="x-api-token",
            prefix="",
        ),
        test=("GET", f"{V1}/users/me"),
        says=lambda answer: str(answer["error"]),
    )
    definition = DestinationDefinition(
        key="pipedrive",
        name="Pipedrive",
        category="CRM",
        summary="Organizations, persons, deals and leads, with custom fields.",
        docs_url="docs/destinations/pipedrive.md",
        fields=(
            Text(
                name="company",
                label="Company domain",
                help="What stands before .pipedrive.com in the browser.",
                placeholder="acme",
                pattern=r"[A-Za-z0-9-]+",
                pattern_hint="Only the name, without .pipedrive.com.",
            ),
            *api.sign_in.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(
            sync_type("organization", "Organizations"),
            sync_type("person", "Persons"),
            sync_type("deal", "Deals"),
            sync_type("lead", "Leads"),
        ),
    )
    writers: ClassVar = {kind: write(kind) for kind in KINDS}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        async with self.line() as line:
            pages = line.pages(f"{V2}/{KINDS[sync_type][2]}", "data", next_page, {"limit": 500})
            told = [each async for each in pages]
        if sync_type == "lead":
            known = [{"field_code": name, "field_name": name, "field_type": "varchar"} for name in LEAD]
            told = [*known, *(each for each in told if each.get("is_custom_field"))]
        key = field("id", "ID", identifier=True, modes=(Mode.UPDATE,))
        return [key, *(field_of(each, sync_type) for each in told if each["field_code"] not in MADE_BY_PIPEDRIVE)]


def field_of(told: Record, kind: str) -> DestinationField:
    """A described field; text and numbers can be searched for."""
    code, native = told["field_code"], told["field_type"]
    choices = ", ".join(f"{option['id']} {option['label']}" for option in (told.get("options") or [])[:20])
    return field(
        code,
        told["field_name"],
        TYPES.get(native, "text"),
        identifier=native in SEARCHED and not code.endswith("_id"),
        required=code == REQUIRED[kind],
        native_type=native,
        description=f"One of {choices}" if choices else "",
    )


def next_page(answer: Record) -> dict[str, str] | None:
    """How to ask for the next page."""
    following = (answer.get("additional_data") or {}).get("next_cursor")
    return {"cursor": following} if following else None
