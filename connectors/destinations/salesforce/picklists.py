"""Values of custom picklists, which are part of Salesforce's metadata: read and written by its Tooling API.

https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customfield.htm
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.destinations.salesforce.settings import PICKLIST_VALUES
from connectors.destinations.salesforce.soql import quoted
from connectors.sdk.destination import Job, RowStreams
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Line, Record, field
from connectors.sdk.rest.work import text
from connectors.sdk.rows import json_rows
from connectors.sdk.types import Operation

VALUE = (
    field("valueName", "API name", required=True, description="Unique among the values, also those not active."),
    field("label", description="What people see; the API name where it is left out."),
)
# What a value is that was not there before.
NEW: Mapping[str, Any] = {"color": None, "default": False, "description": None, "isActive": None, "urls": None}


async def replace_values(line: Line, job: Job, rows: RowStreams) -> None:
    """The rows as the picklist's values, in their order; what is known of those that stay is kept."""
    values = list(values_of(record for batch in rows.stream(Operation.ADDED) for record in json_rows(batch.rows)))
    if not values:
        raise ConfigError("No row is left, and a picklist without values cannot be saved.", field="picklist")
    path = f"tooling/sobjects/CustomField/{await field_id(line, job)}"
    told = await line.get(path)
    described = told["Metadata"]
    known = described["valueSet"]
    if known.get("valueSetName"):
        raise ConfigError(
            f"The picklist takes its values from the global value set {known['valueSetName']}.", field="picklist"
        )
    before = {each["valueName"]: each for each in known["valueSetDefinition"]["value"]}
    made = [{**NEW, **before.get(each["valueName"], {}), **each, "isActive": True} for each in values]
    described["valueSet"] = {**known, "valueSetDefinition": {**known["valueSetDefinition"], "value": made}}
    await line.send("PATCH", path, json={"FullName": told["FullName"], "Metadata": described})


def values_of(records: Iterable[Record]) -> Iterable[dict[str, str]]:
    """The values that the rows name; raises ``ConfigError`` for those that Salesforce would refuse."""
    names: set[str] = set()
    labels: set[str] = set()
    for record in records:
        if record.get("valueName") in (None, ""):
            raise ConfigError("A row has no API name.", field="mappings")
        name = text(record["valueName"])
        label = name if record.get("label") in (None, "") else text(record["label"])
        if name.lower() in names or label.lower() in labels:
            raise ConfigError(f"“{name}” is there twice: API names and labels are unique.", field="mappings")
        names.add(name.lower())
        labels.add(label.lower())
        if len(names) > PICKLIST_VALUES:
            raise ConfigError(f"A picklist has at most {PICKLIST_VALUES:,} values.", field="mappings")
        yield {"valueName": name, "label": label}


async def field_id(line: Line, job: Job) -> str:
    """The id of the field's definition, which stands behind the object's in its durable id."""
    kind, name = str(job.settings["object"]), str(job.settings["picklist"])
    asked = (
        "SELECT DurableId FROM FieldDefinition "  # noqa: S608  # values are quoted
        f"WHERE EntityDefinition.QualifiedApiName = {quoted(kind)} AND QualifiedApiName = {quoted(name)}"
    )
    found = (await line.get("tooling/query", {"q": asked}))["records"]
    if not found:
        raise ConfigError(f"{kind} has no field {name} any more.", field="picklist")
    return str(found[0]["DurableId"]).partition(".")[2]
