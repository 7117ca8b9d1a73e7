"""Amplitude: users, groups, events and cohorts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from connectors.destinations.amplitude.settings import (
    ANALYTICS,
    EVENT,
    EVENT_NAMES,
    GROUP,
    INGEST,
    MEMBER,
    PERSON,
    SIGN_IN,
    definition,
)
from connectors.sdk.destination import ACCEPTED, DestinationField, Job, RowResult, rejected
from connectors.sdk.errors import BatchRejected
from connectors.sdk.rest import Api, Line, Place, Record, RestDestination, Results, Work, besides, missing
from connectors.sdk.rest.times import unix_ms
from connectors.sdk.rows import dumps
from connectors.sdk.types import Choice, Operation

SHORTEST = 5  # characters of an ID


async def write_users(work: Work) -> Results:
    """Properties of users, as a form."""

    def make(record: Record, made: str) -> Record | RowResult:
        told = {"user_properties": operations(work, besides(record, PERSON))}
        return nobody(record) or {**ids(record), **told}

    return await work.together(make, form(work, "identify"))


async def write_groups(work: Work) -> Results:
    """Properties of groups of one type, as a form."""

    def make(record: Record, made: str) -> Record | RowResult:
        return missing(record, "group_value") or {
            "group_type": work.settings["group_type"],
            "group_value": str(record["group_value"]),
            "group_properties": operations(work, besides(record, GROUP)),
        }

    return await work.together(make, form(work, "groupidentify"))


async def write_events(work: Work) -> Results:
    """A batch with a faulty event is refused whole, and the fault named by place: the others are sent again."""

    def make(record: Record, made: str) -> Record | RowResult:
        own = {each.name: record[each.name] for each in EVENT if record.get(each.name) is not None}
        if "time" in own:
            own["time"] = unix_ms(own["time"], field="time")
        known = {**own, **ids(record), "insert_id": str(own.get("insert_id") or made)}
        properties = besides(record, (*EVENT, *EVENT_NAMES.fields(work.settings)))
        event = {"event_type": EVENT_NAMES.of(work.settings, record), **known, "event_properties": properties}
        return nobody(record) or EVENT_NAMES.refusal(work.settings, record) or event

    async def send(events: list[Record]) -> Results:
        body = {"api_key": work.config["api_key"], "events": events}
        answer = await work.line.send("POST", "batch", json=body, takes=(400,))
        if answer.status != 400:
            return [ACCEPTED] * len(events)
        told = answer.json()
        faults = faults_in(told, len(events))
        if not faults:
            raise BatchRejected(f"400: {told['error']}")
        left = [event for place, event in enumerate(events) if place not in faults]
        others = iter(await send(left) if left else ())
        return [rejected(faults[place]) if place in faults else next(others) for place in range(len(events))]

    return await work.together(make, send)


async def write_cohort(work: Work) -> Results:
    """IDs that Amplitude does not know are skipped, and named in its answer."""
    sent = [str(record.get(work.match)) for record in work.records]
    kind = "BY_ID" if work.match == "amplitude_id" else "BY_NAME"
    change = {"ids": sent, "id_type": kind, "operation": "REMOVE" if work.leaving else "ADD"}
    answer = await change_members(work.line, work.place, change)
    skipped = {str(each) for told in answer["memberships_result"] for each in told.get("skipped_ids") or ()}
    unknown = rejected("Amplitude knows nobody with this ID.", field=work.match)
    return [unknown if each in skipped else ACCEPTED for each in sent]


async def change_members(line: Line, cohort: str, change: Record) -> Record:
    """Put people into a cohort, or take them out; unknown ones are left out and named."""
    body = {"cohort_id": cohort, "skip_invalid_ids": True, "memberships": [change]}
    answer: Record = await line.post(f"{analytics(line.config)}/api/3/cohorts/membership", body)
    return answer


async def find_cohort(line: Line, job: Job, name: str) -> str | None:
    """The id of the cohort that has the name."""
    return next((str(each["id"]) for each in await cohorts_there(line) if each["name"] == name), None)


async def make_cohort(line: Line, job: Job, name: str) -> str:
    """A cohort of one user, who is then taken out of it: https://amplitude.com/docs/apis/analytics/behavioral-cohorts"""
    seed = str(job.settings["seed"])
    told = {
        "name": name,
        "app_id": int(job.settings["app_id"]),
        "id_type": "BY_USER_ID",
        "ids": [seed],
        "owner": job.settings["owner"],
        "published": True,
    }
    answer = await line.post(f"{analytics(line.config)}/api/3/cohorts/upload", told)
    cohort = str(answer.get("cohort_id") or answer["cohortId"])  # the former is documented, the latter answered, too
    await change_members(line, cohort, {"ids": [seed], "id_type": "BY_NAME", "operation": "REMOVE"})
    return cohort


async def cohorts_there(line: Line) -> list[Record]:
    """The project's cohorts, without those that were archived."""
    found = await line.get(f"{analytics(line.config)}/api/3/cohorts")
    return [each for each in found["cohorts"] if not each.get("archived")]


COHORT = Place(noun="cohort", discover="cohorts", find=find_cohort, make=make_cohort)


def nobody(record: Record) -> RowResult | None:
    """The refusal of a row without an ID, or with one that Amplitude would drop; nothing where it has one."""
    short = [name for name, value in ids(record).items() if len(value) < SHORTEST]
    if short:
        return rejected(f"{short[0]} has fewer than {SHORTEST} characters.", field=short[0])
    return missing(record, "user_id", "device_id")


def ids(record: Record) -> Record:
    """Who it is about, as text."""
    return {each.name: str(record[each.name]) for each in PERSON if record.get(each.name) not in (None, "")}


def operations(work: Work, properties: Record) -> Record:
    """Properties are set; empty ones, and those of rows that are cleared, are taken away."""
    empty = work.operation is Operation.REMOVED
    given = {name: value for name, value in properties.items() if value is not None and not empty}
    taken = {name: "-" for name in properties if name not in given}
    return {**({"$set": given} if given else {}), **({"$unset": taken} if taken else {})}


def form(work: Work, path: str) -> Callable[[list[Record]], Awaitable[None]]:
    """Sends identifications as a form; taken or refused as a whole."""

    async def send(identifications: list[Record]) -> None:
        told = {"api_key": work.config["api_key"], "identification": dumps(identifications).decode()}
        await work.line.send("POST", path, form=told)

    return send


def faults_in(told: Record, rows: int) -> dict[int, str]:
    """What is said against single events of a refused batch, by place."""
    found: dict[int, str] = {}
    for kind in ("invalid", "missing"):
        for name, places in (told.get(f"events_with_{kind}_fields") or {}).items():
            found |= dict.fromkeys(places, f"{name} is {kind}.")
    found |= dict.fromkeys(told.get("silenced_events") or (), "This user or device is silenced.")
    return {place: words for place, words in found.items() if 0 <= place < rows}


def analytics(config: Any) -> str:
    """Where cohorts are."""
    return ANALYTICS[config.get("region") or "us"]


class AmplitudeDestination(RestDestination):
    """A project of Amplitude."""

    api = Api(base=lambda config: INGEST[config.get("region") or "us"], sign_in=SIGN_IN)
    definition = definition(COHORT.settings)
    writers: ClassVar = {
        "users": write_users,
        "groups": write_groups,
        "events": write_events,
        "cohort": write_cohort,
    }
    places: ClassVar = {"cohort": COHORT}

    async def check(self) -> None:
        """Lists the cohorts, which needs both keys."""
        await self.cohorts()

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        events = (*EVENT_NAMES.fields(settings), *EVENT)
        return {"users": PERSON, "groups": GROUP, "events": events, "cohort": MEMBER}[sync_type]

    async def cohorts(self) -> list[Choice]:
        """The project's cohorts; only those that were uploaded can be changed."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["name"]) for each in await cohorts_there(line)]
