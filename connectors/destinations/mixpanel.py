"""Mixpanel: users, groups, events and lookup tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Mode,
    ModeSpec,
    RowResult,
    RowSet,
    RowStreams,
    SyncType,
)
from connectors.sdk.errors import BatchRejected, ConfigError
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.modes import insert, upsert
from connectors.sdk.rest import (
    Api,
    Basic,
    Record,
    RestDestination,
    Results,
    Work,
    besides,
    by_index,
    field,
    fields,
    missing,
)
from connectors.sdk.rest.times import unix_ms
from connectors.sdk.rows import dumps, json_rows
from connectors.sdk.types import Choice, Operation, Verification

HOSTS = {"us": "api", "eu": "api-eu", "in": "api-in"}
PROFILE = fields("$name", "$first_name", "$last_name", "$email", "$phone", "$avatar", "$created:moment", "$ip")
USER = (
    field("$distinct_id", "Mixpanel user ID", identifier=True, required=True),
    *PROFILE,
    *fields("$latitude:number", "$longitude:number"),
)
GROUP = (field("$group_id", "Group ID", identifier=True, required=True), field("$name", "Name"))
EVENT = (
    field("distinct_id", "Mixpanel user ID", identifier=True, required=True),
    field("time", "Time", "moment", description="Left out, it is when the run began."),
    field("$insert_id", "Insert ID", description="An event with the same one is counted once."),
)
# Said beside the properties in an update of a profile, not among them.
BESIDE = ("$ip", "$latitude", "$longitude")
NOT_SET = [each for each in USER if each.name in ("$distinct_id", *BESIDE)]
LOOKUP_BYTES = 100_000_000


async def write_users(work: Work) -> Results:
    """Profiles, whose properties are set."""

    def update(record: Record) -> Record:
        beside = {name: record[name] for name in BESIDE if record.get(name) is not None}
        return {"$distinct_id": str(record["$distinct_id"]), **beside, "$set": besides(record, NOT_SET)}

    return await set_profiles(work, "engage", "$distinct_id", update)


async def write_groups(work: Work) -> Results:
    """Group profiles of one group key."""

    def update(record: Record) -> Record:
        known = {"$group_key": work.settings["group_key"], "$group_id": str(record["$group_id"])}
        return {**known, "$set": besides(record, GROUP[:1])}

    return await set_profiles(work, "groups", "$group_id", update)


async def set_profiles(work: Work, path: str, name: str, update: Callable[[Record], Record]) -> Results:
    """One request for the batch, taken or refused as a whole."""

    def make(record: Record, made: str) -> Record | RowResult:
        return missing(record, name) or {"$token": work.config["token"], **update(record)}

    async def send(updates: list[Record]) -> None:
        answer = await work.line.post(path, updates, {"verbose": 1, "strict": 1})
        if not isinstance(answer, Mapping) or answer.get("error") or answer.get("status") not in (1, "OK"):
            raise BatchRejected(str(answer.get("error") or answer))

    return await work.together(make, send)


async def write_events(work: Work) -> Results:
    """Mixpanel checks each event and names those it refuses by place."""

    async def send(events: list[Record]) -> Results:
        query = {"strict": 1, "project_id": work.config["project_id"]}
        answer = await work.line.send("POST", "import", json=events, query=query, takes=(400,))
        told = answer.json()
        refused = told.get("failed_records") or []
        if answer.status == 400 and not refused:
            raise BatchRejected(f"400: {told.get('error') or told.get('status')}")
        return by_index(len(events), [(int(f["index"]), f"{f.get('field', '')}: {f['message']}") for f in refused])

    return await work.together(lambda record, made: event_of(work, record, made), send)


def event_of(work: Work, record: Record, made: str) -> Record | RowResult:
    """An event with all that Mixpanel asks of one."""
    when = record.get("time")
    told = {
        "time": unix_ms(when if when is not None else work.job.started_at, field="time"),
        "distinct_id": str(record.get("distinct_id")),
        "$insert_id": str(record.get("$insert_id") or made),
    }
    event = {"event": work.settings["event"], "properties": {**besides(record, EVENT), **told}}
    return missing(record, "distinct_id") or event


API = Api(
    base=lambda config: f"https://{HOSTS[config.get('region') or 'us']}.mixpanel.com",
    sign_in=Basic(
        user=Text(name="username", label="Service account", help="Project settings → Service accounts, as an admin."),
        password=Text(name="secret", label="Service account secret", secret=True),
    ),
)
PACE = Limits(batch_rows=2_000, batch_bytes=9_000_000, concurrency=4, timeout_s=60)
PROFILES = SyncType(
    key="users",
    name="Users",
    description="User profiles.",
    modes=(upsert(noun="profiles"),),
    settings=(SPLIT_RETRY,),
    limits=PACE,
    custom_fields=True,
    split_retry=True,
)


class MixpanelDestination(RestDestination):
    """A project of Mixpanel."""

    api = API
    definition = DestinationDefinition(
        key="mixpanel",
        name="Mixpanel",
        category="Analytics",
        summary="User and group profiles, events and lookup tables.",
        docs_url="docs/destinations/mixpanel.md",
        fields=(
            Select(
                name="region",
                label="Data residency",
                default="us",
                choices=(Choice("us", "United States"), Choice("eu", "European Union"), Choice("in", "India")),
            ),
            Text(name="project_id", label="Project ID", help="Project settings → Overview.", pattern=r"[0-9]+"),
            Text(name="token", label="Project token", help="Project settings → Overview → Access keys.", secret=True),
            *API.sign_in.fields,
        ),
        verification=Verification.SPEC,
        sync_types=(
            PROFILES,
            replace(
                PROFILES,
                key="groups",
                name="Groups",
                description="Group profiles, such as companies.",
                settings=(
                    Text(name="group_key", label="Group key", help="Project settings → Overview → Group keys."),
                    SPLIT_RETRY,
                ),
                limits=replace(PACE, batch_rows=200),
            ),
            SyncType(
                key="events",
                name="Events",
                description="What people did, once a row.",
                modes=(insert("events"),),
                settings=(Text(name="event", label="Event name"), SPLIT_RETRY),
                limits=PACE,
                custom_fields=True,
                split_retry=True,
            ),
            SyncType(
                key="lookup_table",
                name="Lookup table",
                description="A table that explains values of a property; every run replaces it.",
                modes=(
                    ModeSpec(
                        mode=Mode.ALL,
                        rows=RowSet.FULL,
                        description="Replaces the whole table.",
                        matching=False,
                    ),
                ),
                settings=(
                    Select(name="table", label="Lookup table", discover="lookup_tables"),
                    Text(name="key", label="Field that is looked up", help="One of those mapped below."),
                ),
                limits=Limits(timeout_s=300),
                custom_fields=True,
                single_writer=True,
            ),
        ),
    )
    writers: ClassVar = {"users": write_users, "groups": write_groups, "events": write_events}

    async def check(self) -> None:
        """Lists the lookup tables, which needs the service account and the project."""
        async with self.line() as line:
            await line.get("lookup-tables", self._project)

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return {"users": USER, "groups": GROUP, "events": EVENT}.get(sync_type, ())

    async def lookup_tables(self) -> list[Choice]:
        """The project's lookup tables; they are made in Mixpanel."""
        async with self.line() as line:
            found = await line.get("lookup-tables", self._project)
            return [Choice(str(table["id"]), table["name"]) for table in found["results"]]

    async def write(self, job: Job, rows: RowStreams) -> None:
        """The whole table as CSV, its first column the one that is looked up."""
        key = str(job.settings["key"])
        if key not in rows.schema.names:
            raise ConfigError(f"No mapping fills “{key}”, which is to be looked up.", field="key")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        names = sorted(rows.schema.names, key=lambda name: name != key)
        writer.writerow(names)
        for batch in rows.stream(Operation.ADDED):
            writer.writerows([cell(record[name]) for name in names] for record in json_rows(batch.rows))
            if text.tell() > LOOKUP_BYTES:
                raise ConfigError("The table is larger than the 100 MB that Mixpanel takes.", field="table")
        async with self.line(timeout_s=self.limits(job).timeout_s) as line:
            path, body = f"lookup-tables/{job.settings['table']}", text.getvalue().encode()
            await line.send("PUT", path, body=body, content_type="text/csv", query=self._project)

    @property
    def _project(self) -> Mapping[str, Any]:
        return {"project_id": self.config["project_id"]}


def cell(value: Any) -> str:
    """A value in a CSV file; nothing for null, JSON for what has parts."""
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value).decode()
