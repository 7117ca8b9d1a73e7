"""The protocol of Segment's HTTP API, which others speak too: tracks, identities and groups in batches."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sdk.destination import (
    DestinationField,
    FirstRun,
    Job,
    Limits,
    Mode,
    ModeSpec,
    RowResult,
    RowSet,
    SyncType,
)
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import SPLIT_RETRY, Text
from connectors.sdk.modes import upsert
from connectors.sdk.rest import Record, Results, Work, Writer, besides, field, missing
from connectors.sdk.types import Operation

LIMITS = Limits(batch_rows=500, batch_bytes=400_000, concurrency=4)
PERSON = (
    field("userId", "User ID", identifier=True, description="This or an anonymous ID is needed in every row."),
    field("anonymousId", "Anonymous ID", identifier=True),
)
WHEN = (
    field("timestamp", "Timestamp", "moment", description="When it happened; left out, it is when the row is sent."),
    field(
        "messageId", "Message ID", description="What has the same one is counted once. Made by Headrace if left out."
    ),
)
GROUP = field("groupId", "Group ID", required=True)
FIELDS: Mapping[str, tuple[DestinationField, ...]] = {
    "track": (*PERSON, *WHEN),
    "entered": (*PERSON, *WHEN),
    "identify": (*PERSON, *WHEN),
    "group": (*PERSON, GROUP, *WHEN),
}
EVENTS = {operation: f"event_{operation.value}" for operation in Operation}
ENTERED = {Operation.ADDED: "Segment Entered", Operation.REMOVED: "Segment Exited"}
FIRST = (FirstRun.SKIP, FirstRun.BACKFILL)

TRACK = SyncType(
    key="track",
    name="Events",
    description="An event with a name of its own for rows that were added, changed or removed.",
    modes=(
        ModeSpec(
            mode=Mode.CUSTOM,
            rows=RowSet.CHANGES,
            description="Sends an event for each kind of change that has a name.",
            matching=False,
        ),
    ),
    settings=(
        *(
            Text(
                name=name,
                label=f"Event for {operation.value} rows",
                help="Left empty, such rows send nothing.",
                required=False,
                placeholder="Subscription changed",
                max_length=200,
            )
            for operation, name in EVENTS.items()
        ),
        SPLIT_RETRY,
    ),
    limits=LIMITS,
    custom_fields=True,
    split_retry=True,
    first_run=FIRST,
)
IDENTIFY = SyncType(
    key="identify",
    name="Identities",
    description="People and their traits.",
    modes=(upsert(noun="people"),),
    settings=(SPLIT_RETRY,),
    limits=LIMITS,
    custom_fields=True,
    split_retry=True,
)


def wanted(job: Job) -> frozenset[Operation]:
    """The changes that send anything."""
    if job.sync_type == "track":
        return frozenset(operation for operation, name in EVENTS.items() if job.settings.get(name))
    return frozenset(ENTERED) if job.sync_type == "entered" else frozenset(Operation) - {Operation.REMOVED}


def validate(job: Job) -> None:
    """Some change has to have an event."""
    if not wanted(job):
        raise ConfigError("Name an event for at least one kind of change.", field="event_added")


def writer(path: str) -> Writer:
    """Sends the rows of any of the types as one batch to this path; taken or refused as a whole."""

    async def write(work: Work) -> Results:
        def make(record: Record, made: str) -> Record | RowResult:
            nobody = missing(record, "userId", "anonymousId")
            return nobody or {**_message(work, record), "messageId": record.get("messageId") or made}

        async def send(batch: list[Record]) -> None:
            await work.line.send("POST", path, json={"batch": batch})

        return await work.together(make, send)

    return write


def _message(work: Work, record: Record) -> Record:
    """What the type of the sync makes of a row."""
    kind = work.job.sync_type
    own = FIELDS[kind]
    names = {f.name for f in own} - {"messageId"}
    known = {name: record[name] for name in record if name in names and record[name] is not None}
    if kind in ("identify", "group"):
        return {"type": kind, **known, "traits": besides(record, own)}
    event = work.settings[EVENTS[work.operation]] if kind == "track" else ENTERED[work.operation]
    return {"type": "track", **known, "event": event, "properties": besides(record, own)}
