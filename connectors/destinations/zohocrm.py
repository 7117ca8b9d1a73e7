"""Zoho CRM: records of standard and custom modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Limits,
    Rate,
    Removal,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.errors import AuthError, BatchRejected, RateLimited
from connectors.sdk.fields import SPLIT_RETRY, Select
from connectors.sdk.modes import upsert
from connectors.sdk.rest import Api, Found, OAuthApp, Record, RestDestination, Results, Work, field
from connectors.sdk.rest.codes import ErrorCodes
from connectors.sdk.types import Choice, Operation, Verification

VERSION = "v8"
# Data centre → where accounts and the interface are.
CENTRES = {
    "com": ("United States", "accounts.zoho.com", "www.zohoapis.com"),
    "eu": ("Europe", "accounts.zoho.eu", "www.zohoapis.eu"),
    "in": ("India", "accounts.zoho.in", "www.zohoapis.in"),
    "au": ("Australia", "accounts.zoho.com.au", "www.zohoapis.com.au"),
    "jp": ("Japan", "accounts.zoho.jp", "www.zohoapis.jp"),
    "ca": ("Canada", "accounts.zohocloud.ca", "www.zohoapis.ca"),
    "sa": ("Saudi Arabia", "accounts.zoho.sa", "www.zohoapis.sa"),
    "cn": ("China", "accounts.zoho.com.cn", "www.zohoapis.com.cn"),
}
# What Zoho itself takes for the same record, besides fields that an account declares unique.
CHECKED = {
    "Leads": ("Email",),
    "Accounts": ("Account_Name",),
    "Contacts": ("Email",),
    "Deals": ("Deal_Name",),
    "Campaigns": ("Campaign_Name",),
    "Cases": ("Subject",),
    "Solutions": ("Solution_Title",),
    "Products": ("Product_Name",),
    "Vendors": ("Vendor_Name",),
    "Price_Books": ("Price_Book_Name",),
    "Quotes": ("Subject",),
    "Sales_Orders": ("Subject",),
    "Purchase_Orders": ("Subject",),
    "Invoices": ("Subject",),
}
TYPES = {
    "integer": "number",
    "bigint": "number",
    "double": "number",
    "currency": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "moment",
    "lookup": "reference",
    "ownerlookup": "reference",
    "multiselectpicklist": "list",
    "subform": "objects",
}
SIGN_IN = OAuthApp(
    page=lambda config: f"https://{CENTRES[config['centre']][1]}/oauth/v2/auth",
    tokens=lambda config: f"https://{CENTRES[config['centre']][1]}/oauth/v2/token",
    # Zoho wants commas between scopes.
    scopes=("ZohoCRM.modules.ALL,ZohoCRM.settings.READ,ZohoCRM.coql.READ,ZohoCRM.org.READ",),
    parameters={"access_type": "offline", "prompt": "consent"},
    app="Zoho's API Console → Server-based Applications",
    prefix="Zoho-oauthtoken",
)


async def write_records(work: Work) -> Results:
    """Zoho's own upsert, 100 records a request; removed ones are found first, then deleted or emptied."""
    if work.operation is Operation.REMOVED:
        return await work.by_match(await look_up(work), remove=remove)
    return await work.by_match(Found({}), create=upsert_records)


async def upsert_records(work: Work) -> Results:
    """One request; its answers come in the order of the records."""
    body = {"data": work.records, "duplicate_check_fields": [work.match]}
    answer = await work.line.send("POST", f"{work.settings['module']}/upsert", json=body, takes=(400,))
    return results_of(answer.json(), len(work))


async def remove(work: Work, ids: Sequence[str]) -> Results:
    """One request for all; they stay in the recycle bin."""
    query = {"ids": ",".join(ids), "wf_trigger": "true"}
    answer = await work.line.send("DELETE", str(work.settings["module"]), query=query, takes=(400,))
    return results_of(answer.json(), len(work), gone="INVALID_DATA")


async def look_up(work: Work) -> Found:
    """The ids of records by the field that matches, with a query (COQL)."""

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        listed = ", ".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values)
        module, name = work.settings["module"], work.match
        asked = f"select id, {name} from {module} where {name} in ({listed}) limit 200"  # noqa: S608  # names are Zoho's own, values are quoted
        answer = await work.line.post("coql", {"select_query": asked})
        return [(record[name], record["id"]) for record in (answer or {"data": []})["data"]]

    return await work.look_up(ask, chunk=50, fold=str.lower)


def results_of(answer: Mapping[str, Any], rows: int, gone: str = "") -> list[RowResult]:
    """What became of each record; ``gone`` is the code of those that are not there any more."""
    if "data" not in answer:
        raise BatchRejected(says(answer))
    told = [ACCEPTED if e["status"] == "success" or e["code"] == gone else rejected(words(e)) for e in answer["data"]]
    if len(told) != rows:
        raise BatchRejected(f"Zoho answered for {len(told)} of {rows} records.")
    return told


def words(told: Mapping[str, Any]) -> str:
    """What Zoho says, with the field it is about."""
    about = (told.get("details") or {}).get("api_name")
    return f"{told['code']}: {told['message']}{f' ({about})' if about else ''}"


def says(answer: Any) -> str:
    """Zoho's own words."""
    return words(answer)


class ZohocrmDestination(RestDestination):
    """An organization of Zoho CRM."""

    api = Api(
        base=lambda config: f"https://{CENTRES[config['centre']][2]}/crm/{VERSION}",
        version=VERSION,
        sign_in=SIGN_IN,
        test=("GET", "org"),
        says=says,
        codes=ErrorCodes(
            find=lambda answer: answer.get("code"),
            meanings={
                "INVALID_TOKEN": AuthError,
                "OAUTH_SCOPE_MISMATCH": AuthError,
                "TOO_MANY_REQUESTS": RateLimited,
                "LIMIT_REACHED": RateLimited,
            },
        ),
        answer_bytes=16_000_000,
    )
    definition = DestinationDefinition(
        key="zohocrm",
        name="Zoho CRM",
        category="CRM",
        summary="Records of standard and custom modules.",
        docs_url="docs/destinations/zohocrm.md",
        fields=(
            Select(
                name="centre",
                label="Data centre",
                help="Where your account is, as the address of Zoho in the browser ends.",
                default="com",
                choices=tuple(Choice(key, f"{place} ({host})") for key, (place, host, _) in CENTRES.items()),
            ),
            *SIGN_IN.fields,
        ),
        connects=SIGN_IN.connects,
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="records",
                name="Records",
                description="Records of a module, matched by a field that Zoho checks for duplicates.",
                modes=(upsert(Removal.DELETE),),
                settings=(Select(name="module", label="Module", discover="modules"), SPLIT_RETRY),
                limits=Limits(batch_rows=100, concurrency=4, rates=(Rate(requests=10, seconds=1),), timeout_s=60),
                split_retry=True,
            ),
        ),
    )
    writers: ClassVar = {"records": write_records}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        module = settings.get("module")
        if not module:
            return ()
        async with self.line() as line:
            told = (await line.get("settings/fields", {"module": module}))["fields"]
        return [field_of(each, module) for each in told if is_writable(each)]

    async def modules(self) -> list[Choice]:
        """The modules whose records can be written, custom ones too."""
        async with self.line() as line:
            found = (await line.get("settings/modules"))["modules"]
        shown = [m for m in found if m["api_supported"] and m["creatable"] and m["editable"]]
        return [Choice(m["api_name"], m["plural_label"]) for m in shown]


def is_writable(told: Record) -> bool:
    """Whether a field can be set: Zoho fills read-only fields, formulas and the like itself."""
    made = told.get("auto_number") or told.get("formula") or told["api_name"] == "id"
    can = (told.get("operation_type") or {}).get("api_create", True)
    return bool(can and not made and not told.get("read_only") and not told.get("field_read_only"))


def field_of(told: Record, module: str) -> DestinationField:
    """A described field. Records are matched by those that are kept unique."""
    name = told["api_name"]
    unique = bool(told.get("unique")) or name in CHECKED.get(module, ())
    choices = ", ".join(each["actual_value"] for each in (told.get("pick_list_values") or [])[:20])
    return field(
        name,
        told["field_label"],
        TYPES.get(told["data_type"], "text"),
        identifier=unique,
        recommended=bool(told.get("external")),
        required=bool(told.get("system_mandatory")),
        native_type=told["data_type"],
        description=f"One of {choices}" if choices else "",
    )
