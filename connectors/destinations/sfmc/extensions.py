"""Data extensions: their rows, and making one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from connectors.destinations.sfmc.soap import API, call, inside, retrieve, tag, tags, text_of, words
from connectors.sdk.arrow import column_type
from connectors.sdk.destination import ACCEPTED, DestinationField, Job, RowResult, rejected
from connectors.sdk.errors import BatchRejected, ConfigError
from connectors.sdk.files.names import expanded
from connectors.sdk.rest import Line, Place, Record, Results, Work, field, missing
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Choice, ColumnType

KINDS = {"Number": "number", "Decimal": "number", "Boolean": "boolean", "Date": "moment"}
MADE: Mapping[ColumnType, Mapping[str, str]] = {
    ColumnType.NUMBER: {"FieldType": "Decimal", "MaxLength": "18", "Scale": "4"},
    ColumnType.BOOLEAN: {"FieldType": "Boolean"},
    ColumnType.DATE: {"FieldType": "Date"},
    ColumnType.TIMESTAMP: {"FieldType": "Date"},
}
LONG = {"MaxLength": "4000", "FieldType": "Text"}
KEY = {"MaxLength": "254", "FieldType": "Text"}
SAVE = tag("Options", tag("SaveOptions", tag("SaveOption", tags({"PropertyName": "*", "SaveAction": "UpdateAdd"}))))


async def write_rows(work: Work) -> Results:
    """Rows of a data extension, upserted or deleted by the hundred; each has an answer of its own."""
    if not work.removing:
        await complete(work)
    action = "Delete" if work.removing else "Update"
    keys = work.job.identifiers or (work.match,)

    def make(record: Record, made: str) -> str | RowResult:
        if refusal := next((refused for name in keys if (refused := missing(record, name))), None):
            return refusal
        own = tag("Keys", *(pair("Key", name, record[name]) for name in keys))
        others = [pair("Property", name, value) for name, value in record.items() if name not in keys]
        properties = tag("Properties", *others) if others and not work.removing else ""
        return tag("Objects", tags({"CustomerKey": work.place}), own, properties, kind="DataExtensionObject")

    async def send(parts: list[Any]) -> Results:
        options = "" if work.removing else SAVE
        answer = await call(work.line, action, tag(f"{action}Request", options, *parts, space=API))
        return outcomes(answer, len(parts))

    return await work.together(make, send)


def pair(name: str, key: str, value: Any) -> str:
    """A name with its value; an empty one empties the field."""
    told = "" if value is None else dumps(value).decode() if isinstance(value, dict | list) else text(value)
    return f"<{name}><Name>{words(key)}</Name><Value>{words(told)}</Value></{name}>"


def outcomes(answer: Any, rows: int) -> Results:
    """What became of each row, by its number; rows of which nothing is told go by the whole."""
    told = list(inside(answer, "Results"))
    fine = text_of(answer, "OverallStatus") == "OK"
    failed = next((each for each in told if text_of(each, "StatusCode") != "OK"), answer)
    if not fine and len(told) != rows and len(told) <= 1:
        raise BatchRejected(reason(failed))
    results: list[RowResult] = [ACCEPTED if fine else rejected(reason(failed))] * rows
    for number, each in enumerate(told):
        place = int(text_of(each, "OrdinalID") or number)
        if place < rows:
            results[place] = ACCEPTED if text_of(each, "StatusCode") == "OK" else rejected(reason(each))
    return results


def reason(result: Any) -> str:
    """Marketing Cloud's words about one row: of its fields where it has them."""
    own = [each.text for each in inside(result, "ErrorMessage") if each.text]
    return "; ".join(dict.fromkeys(own)) or text_of(result, "StatusMessage") or "Marketing Cloud refused the row."


async def extensions_of(line: Line) -> list[Choice]:
    """The data extensions there are, by their external key."""
    found = await retrieve(line, "DataExtension", ("CustomerKey", "Name"))
    return [Choice(text_of(each, "CustomerKey"), text_of(each, "Name")) for each in found]


async def folders_of(line: Line) -> list[Choice]:
    """The folders that data extensions can be in."""
    found = await retrieve(line, "DataFolder", ("ID", "Name"), ("ContentType", "dataextension"))
    return [Choice(text_of(each, "ID"), text_of(each, "Name")) for each in found]


async def fields_of(line: Line, extension: str) -> list[DestinationField]:
    """The fields of a data extension; primary keys match rows."""
    properties = ("Name", "FieldType", "IsPrimaryKey", "IsRequired")
    found = await retrieve(line, "DataExtensionField", properties, ("DataExtension.CustomerKey", extension))
    return [described(each) for each in found]


def described(told: Any) -> DestinationField:
    """One field."""
    name, kind = text_of(told, "Name"), text_of(told, "FieldType")
    key = text_of(told, "IsPrimaryKey") == "true"
    return field(
        name,
        name,
        KINDS.get(kind, "text"),
        native_type=kind,
        identifier=key,
        required=key,
        recommended=text_of(told, "IsRequired") == "true",
    )


async def find(line: Line, name: str) -> str | None:
    """The external key of the data extension that was made before: it is its name."""
    found = await retrieve(line, "DataExtension", ("CustomerKey", "Name"), ("CustomerKey", name))
    return text_of(found[0], "CustomerKey") if found else None


async def make(line: Line, job: Job, name: str) -> str:
    """A new data extension with its primary key: the fields that match rows. The first batch adds the others.

    Marketing Cloud wants elements in the order of its description.
    """
    kept, period = retention(job)
    keys = list(dict.fromkeys([*job.identifiers, *filter(None, [job.settings.get("sendable_field")])]))
    fields = tag("Fields", *(tag("Field", tags(made(each, KEY, key=each in job.identifiers))) for each in keys))
    content = [tags({"CustomerKey": name, "Name": name}), sendable(job), tags(kept), fields, tags(period)]
    if job.settings.get("folder"):
        content.append(tags({"CategoryID": str(job.settings["folder"])}))
    objects = tag("Objects", *content, kind="DataExtension")
    answer = await call(line, "Create", tag("CreateRequest", objects, space=API))
    if text_of(answer, "OverallStatus") != "OK":
        raise ConfigError(f"The data extension was not made: {reason(next(inside(answer, 'Results'), answer))}")
    return name


async def complete(work: Work) -> None:
    """Give a data extension that the sync made the mapped fields it lacks, of the kinds that their columns are."""
    if work.settings.get(f"{EXTENSION.noun}_from") == "existing" or "complete" in work.memo:
        return
    if absent := await absent_from(work):
        fields = tag("Fields", *(tag("Field", tags(made(each.name, kind_of(each)))) for each in absent))
        objects = tag("Objects", tags({"CustomerKey": work.place}), fields, kind="DataExtension")
        answer = await call(work.line, "Update", tag("UpdateRequest", objects, space=API))
        # Another part of the run may have been first.
        if text_of(answer, "OverallStatus") != "OK" and await absent_from(work):
            raise ConfigError(f"Fields were not added: {reason(next(inside(answer, 'Results'), answer))}")
    work.memo["complete"] = True


async def absent_from(work: Work) -> list[pa.Field]:
    """The columns of the batch that the data extension does not have."""
    known = {each.name for each in await fields_of(work.line, work.place)}
    return [each for each in work.batch.rows.schema if each.name not in known]


def kind_of(column: pa.Field) -> Mapping[str, str]:
    """What a column becomes."""
    if pa.types.is_integer(column.type):
        return {**MADE[ColumnType.NUMBER], "Scale": "0"}
    return MADE.get(column_type(column), LONG)


def made(name: str, kind: Mapping[str, str], *, key: bool = False) -> dict[str, str]:
    """A field to be made."""
    sizes = {each: kind[each] for each in ("Scale", "MaxLength") if each in kind}
    flag = "true" if key else "false"
    return {"Name": name, **sizes, "IsRequired": flag, "IsPrimaryKey": flag, "FieldType": kind["FieldType"]}


def sendable(job: Job) -> str:
    """Whether messages can be sent to the rows, and which field names subscribers."""
    chosen = job.settings.get("sendable_field")
    if not chosen:
        return tags({"IsSendable": "false"})
    testable = "true" if job.settings.get("testable") else "false"
    return (
        tags({"IsSendable": "true", "IsTestable": testable})
        + tag("SendableDataExtensionField", tags({"Name": str(chosen)}))
        + tag("SendableSubscriberField", tags({"Name": "Subscriber Key"}))
    )


def retention(job: Job) -> tuple[dict[str, str], dict[str, str]]:
    """For how long what is kept: what comes before the fields, and what after them."""
    what = job.settings.get("retention") or "keep"
    if what == "keep":
        return {}, {}
    told = {
        "DataRetentionPeriodLength": str(int(job.settings.get("retention_days") or 180)),
        "RowBasedRetention": "true" if what == "row" else "false",
    }
    if what != "row":
        told["ResetRetentionPeriodOnImport"] = "true" if job.settings.get("retention_reset") else "false"
        told["DeleteAtEndOfRetentionPeriod"] = "true" if what == "rows" else "false"
    return told, {"DataRetentionPeriod": "Days"}


async def clear(line: Line, extension: str) -> None:
    """Remove all rows of a data extension."""
    definition = tag("Definition", tags({"CustomerKey": extension}), kind="DataExtension")
    content = tag("PerformRequestMsg", tag("Action", words("ClearData")), tag("Definitions", definition), space=API)
    answer = await call(line, "Perform", content)
    if text_of(answer, "OverallStatus") != "OK":
        raise BatchRejected(reason(answer))


def named(job: Job, name: str) -> str:
    """The name with what it says of the run that makes the data extension; a model's own name says nothing."""
    return expanded(name, job, "extension_name") if job.settings.get("extension_name") else name


EXTENSION = Place(
    noun="extension",
    discover="extensions",
    find=lambda line, job, name: find(line, named(job, name)),
    make=lambda line, job, name: make(line, job, named(job, name)),
    naming="{YYYY}, {MM}, {DD}, {model.name} and the like tell of the run that makes it.",
)
