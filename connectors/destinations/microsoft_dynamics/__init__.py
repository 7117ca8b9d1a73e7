"""Microsoft Dynamics 365: rows of Dataverse tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.destinations.microsoft_dynamics import batch
from connectors.destinations.microsoft_dynamics.settings import DEFINITION, SIGN_IN, VERSION, environment
from connectors.sdk.destination import ACCEPTED, DestinationField, Job, Mode, RowResult, rejected
from connectors.sdk.errors import ConfigError, RateLimited
from connectors.sdk.rest import Api, Line, Record, RestDestination, Results, Work, field
from connectors.sdk.rest.work import NO_MATCH, NOTHING_TO_REMOVE
from connectors.sdk.types import Choice
from connectors.sdk.types import Operation as Change

PATH = f"/api/data/{VERSION}"
GUID = "guid"
BIND = "@odata.bind"
LINKS = frozenset({"Lookup", "Customer", "Owner"})
TYPES = {
    "Boolean": "boolean",
    "Integer": "number",
    "BigInt": "number",
    "Decimal": "number",
    "Double": "number",
    "Money": "number",
    "Picklist": "number",
    "DateTime": "moment",
}
ATTRIBUTES = "LogicalName,AttributeType,IsValidForCreate,IsValidForUpdate,RequiredLevel,DisplayName,AttributeOf"


async def write_rows(work: Work) -> Results:
    """One batch request; each row is an operation with an answer of its own."""
    operations: list[batch.Operation] = []
    results: list[RowResult | None] = []
    for record in work.records:
        empty = [name for name in work.job.identifiers if record.get(name) is None]
        results.append(rejected(f"{empty[0]} is empty, so no row can be matched.", field=empty[0]) if empty else None)
        if not empty:
            operations.append(operation_of(work, record))
    answers = iter(await batch.send(work.line, PATH, operations) if operations else ())
    told = [result or result_of(work, next(answers)) for result in results]
    if told and all(each.code == RateLimited.code for each in told):
        raise RateLimited(told[0].message)
    return told


def operation_of(work: Work, record: Record) -> batch.Operation:
    """What a row becomes: PATCH makes what is missing, unless it may only change what is there."""
    table = str(work.settings["table"])
    body = body_of({name: value for name, value in record.items() if name not in work.job.identifiers})
    if work.job.mode is Mode.INSERT:
        return batch.Operation("POST", table, body)
    path = f"{table}({key_of(work, record)})"
    if work.removing:
        return batch.Operation("DELETE", path)
    there = work.job.mode is Mode.UPDATE or work.operation is Change.REMOVED
    return batch.Operation("PATCH", path, body, {"If-Match": "*"} if there else {})


def key_of(work: Work, record: Record) -> str:
    """What stands for the row in addresses: its GUID, or the columns of an alternate key."""
    if work.settings.get("key") == GUID:
        return quote(str(record[work.match]), safe="-")
    return ",".join(f"{name}={literal(record[name])}" for name in work.job.identifiers)


def literal(value: Any) -> str:
    """A value in an address (OData)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote("'" + value.replace("'", "''") + "'", safe="'") if isinstance(value, str) else str(value)


def body_of(record: Record) -> Record:
    """A row as JSON; ``primarycontactid@contacts.emailaddress1`` binds the contact with that value of a key."""
    told: Record = {}
    for name, value in record.items():
        link, _, target = name.partition("@")
        if not target:
            told[name] = value
            continue
        table, _, key = target.partition(".")
        named = f"{key}={literal(value)}" if key else quote(str(value), safe="-")
        told[f"{link}{BIND}"] = None if value is None else f"/{table}({named})"
    return told


def result_of(work: Work, answer: batch.Answer) -> RowResult:
    """What became of a row."""
    if answer.status < 400:
        return ACCEPTED
    if answer.status == 404 and work.removing:
        return NOTHING_TO_REMOVE
    only_there = work.job.mode is Mode.UPDATE or work.operation is Change.REMOVED
    if answer.status in (404, 412) and only_there:
        return NO_MATCH
    code = RateLimited.code if answer.status == 429 else "row_rejected"
    return rejected(f"{answer.status}: {answer.message}", code=code)


class MicrosoftDynamicsDestination(RestDestination):
    """An environment of Dynamics 365."""

    api = Api(
        base=lambda config: f"{environment(config)}{PATH}",
        version=VERSION,
        headers={"OData-Version": "4.0", "OData-MaxVersion": "4.0", "Accept": "application/json"},
        sign_in=SIGN_IN,
        test=("GET", "WhoAmI"),
        answer_bytes=64_000_000,
    )
    definition = DEFINITION
    writers: ClassVar = {"objects": write_rows}

    def validate(self, job: Job) -> None:
        """A row is found by the whole key and nothing else."""
        if job.mode is Mode.INSERT:
            return
        key = str(job.settings.get("key") or "")
        if not key:
            raise ConfigError("Choose what rows are matched by.", field="key")
        wanted = {key} if key == GUID else set(key.split(","))
        if (key == GUID and len(job.identifiers) != 1) or (key != GUID and wanted != set(job.identifiers)):
            raise ConfigError(f"Map and tick as matching just the columns of the key: {key}.", field="key")

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        table = settings.get("table")
        if not table:
            return ()
        async with self.line() as line:
            told = await self._table(line, table)
            others = {each["LogicalName"]: each for each in await self._tables(line)}
        chosen = settings.get("key") or ""
        keys = {told["PrimaryIdAttribute"]} if chosen == GUID else set(chosen.split(","))
        own = [field_of(each, keys) for each in told["Attributes"] if is_offered(each, keys)]
        links = [link for each in told["ManyToOneRelationships"] for link in links_of(each, others)]
        return [*own, *links]

    async def tables(self) -> list[Choice]:
        """Tables whose rows can be written."""
        async with self.line() as line:
            found = await self._tables(line)
        shown = [each for each in found if each["EntitySetName"] and not each["IsPrivate"]]
        return sorted((Choice(e["EntitySetName"], label(e), e["LogicalName"]) for e in shown), key=lambda c: c.label)

    async def keys(self, table: str) -> list[Choice]:
        """The GUID, and the table's alternate keys."""
        async with self.line() as line:
            told = await self._table(line, table)
        made = [Choice(",".join(key["KeyAttributes"]), label(key), "Alternate key") for key in told["Keys"]]
        return [*made, Choice(GUID, "GUID", told["PrimaryIdAttribute"])]

    async def _tables(self, line: Line) -> list[Record]:
        select = "LogicalName,EntitySetName,DisplayName,IsPrivate"
        query = {"$select": select, "$expand": "Keys($select=KeyAttributes,DisplayName)"}
        return list((await line.get("EntityDefinitions", query))["value"])

    async def _table(self, line: Line, table: str) -> Record:
        links = "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
        expanded = f"Attributes($select={ATTRIBUTES}),Keys($select=KeyAttributes,DisplayName)"
        query = {
            "$select": "LogicalName,PrimaryIdAttribute",
            "$filter": f"EntitySetName eq '{table}'",
            "$expand": f"{expanded},ManyToOneRelationships($select={links})",
        }
        found: list[Record] = (await line.get("EntityDefinitions", query))["value"]
        if not found:
            raise ConfigError(f"There is no table “{table}” any more.", field="table")
        return found[0]


def label(told: Mapping[str, Any]) -> str:
    """What a thing is called in the language of the user."""
    shown = (told.get("DisplayName") or {}).get("UserLocalizedLabel") or {}
    return str(shown.get("Label") or told.get("EntitySetName") or told.get("LogicalName") or told["KeyAttributes"][0])


def is_offered(told: Record, keys: set[str]) -> bool:
    """Whether a column can be written, or is of the key; references go by their relations."""
    written = told["IsValidForCreate"] or told["IsValidForUpdate"]
    plain = told["AttributeType"] not in LINKS and not told.get("AttributeOf")
    return bool(told["LogicalName"] in keys or (written and plain))


def field_of(told: Record, keys: set[str]) -> DestinationField:
    """A described column."""
    name = told["LogicalName"]
    modes: tuple[Mode, ...] = ()
    if name not in keys and not told["IsValidForUpdate"]:
        modes = (Mode.INSERT,)
    return field(
        name,
        label(told),
        TYPES.get(told["AttributeType"], "text"),
        identifier=name in keys,
        required=(told.get("RequiredLevel") or {}).get("Value") == "ApplicationRequired",
        native_type=told["AttributeType"],
        modes=modes,
    )


def links_of(told: Record, others: Mapping[str, Record]) -> list[DestinationField]:
    """The fields that bind a row of another table: by its GUID, or by an alternate key of one column."""
    other = others.get(told["ReferencedEntity"])
    if other is None or not other["EntitySetName"] or not told["ReferencingEntityNavigationPropertyName"]:
        return []
    keys = [key["KeyAttributes"][0] for key in other.get("Keys") or () if len(key["KeyAttributes"]) == 1]
    start = f"{told['ReferencingEntityNavigationPropertyName']}@{other['EntitySetName']}"
    words = f"{told['ReferencingAttribute']} → {label(other)}"
    return [
        field(start, f"{words} by GUID", "reference"),
        *(field(f"{start}.{key}", f"{words} by {key}", "reference") for key in keys),
    ]
