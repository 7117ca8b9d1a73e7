"""Klaviyo: profiles, events, lists and subscriptions, through its bulk jobs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from connectors.destinations.klaviyo.settings import EVENT, MATCHED, PLAIN, PROFILE, SIGN_IN, VERSION, definition
from connectors.sdk import receipts
from connectors.sdk.destination import ACCEPTED, DestinationField, Job
from connectors.sdk.errors import BatchRejected, Unavailable
from connectors.sdk.rest import (
    Api,
    Found,
    JobState,
    Line,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    by_index,
    finished,
)
from connectors.sdk.types import Choice


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the list with this name."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    answer = await line.get("lists", {"filter": f'equals(name,"{quoted}")'})
    return next((str(found["id"]) for found in answer["data"]), None)


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new list's id."""
    answer = await line.post("lists", {"data": {"type": "list", "attributes": {"name": name}}})
    return str(answer["data"]["id"])


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list)


async def write_profiles(work: Work) -> Results:
    """One import job for the batch; its errors name profiles by place."""
    return await import_profiles(work, {})


async def write_list(work: Work) -> Results:
    """Adding imports the profiles into the list, which makes those that are missing; removing needs their ids."""
    if not work.leaving:
        return await import_profiles(work, {"lists": {"data": [{"type": "list", "id": work.place}]}})
    found = await look_up(work)

    async def remove(part: Work, ids: Sequence[str]) -> Results:
        for start in range(0, len(ids), 1_000):
            body = {"data": [{"type": "profile", "id": each} for each in ids[start : start + 1_000]]}
            await part.line.send("DELETE", f"lists/{work.place}/relationships/profiles", json=body)
        return [ACCEPTED] * len(part)

    return await work.by_match(found, update=remove, remove=remove)


async def write_subscriptions(work: Work) -> Results:
    """Consent to marketing, or its end: jobs whose outcome Klaviyo does not tell."""
    kind, wanted = ("delete", "UNSUBSCRIBED") if work.leaving else ("create", "SUBSCRIBED")
    consent = {"marketing": {"consent": wanted}}
    chosen = {"email": ["email"], "sms": ["sms"], "both": ["email", "sms"]}[work.settings["channels"]]
    profiles = [
        {
            "type": "profile",
            "attributes": {
                **{name: record[name] for name in ("email", "phone_number") if record.get(name)},
                "subscriptions": dict.fromkeys(chosen, consent),
            },
        }
        for record in work.records
    ]
    attributes: dict[str, Any] = {"profiles": {"data": profiles}}
    if not work.leaving and work.settings.get("source"):
        attributes["custom_source"] = work.settings["source"]
    job = f"profile-subscription-bulk-{kind}-job"
    data = {
        "type": job,
        "attributes": attributes,
        "relationships": {"list": {"data": {"type": "list", "id": work.place}}},
    }
    await work.line.send("POST", f"{job}s", json={"data": data})
    return [ACCEPTED] * len(work)


async def write_events(work: Work) -> Results:
    """One request of up to 1,000 events; refused as a whole or taken as a whole."""
    metric = {"data": {"type": "metric", "attributes": {"name": work.settings["event"]}}}
    data = [event_of(record, metric) for record in work.records]
    body = {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": data}}}
    await work.line.send("POST", "event-bulk-create-jobs", json={"data": body})
    return [ACCEPTED] * len(work)


async def import_profiles(work: Work, relationships: Record) -> Results:
    """Hand the batch in as an import job, wait, and read which profiles it refused."""
    body = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [profile_of(record) for record in work.records]}},
        **({"relationships": relationships} if relationships else {}),
    }

    async def start() -> str:
        return str((await work.line.post("profile-bulk-import-jobs", {"data": body}))["data"]["id"])

    async def ask(job: str) -> JobState:
        answer = await work.line.get(f"profile-bulk-import-jobs/{job}")
        told = answer["data"]["attributes"]
        if told["status"] == "cancelled":
            await receipts.current().keep("")
            raise Unavailable("Klaviyo cancelled the import job.")
        return JobState(told["status"] == "complete", (job, told))

    job, told = await finished(start, ask, within_s=1_500)
    if not told.get("failed_count"):
        return [ACCEPTED] * len(work)
    pages = work.line.pages(f"profile-bulk-import-jobs/{job}/import-errors", "data", next_page)
    refusals = [refusal async for error in pages for refusal in refused(error)]
    if not refusals:
        raise BatchRejected(f"Klaviyo refused {told['failed_count']} profiles and does not say which.")
    return by_index(len(work), refusals)


def profile_of(record: Record) -> Record:
    """A profile as Klaviyo takes it: what it does not know by name is a custom property."""
    attributes: Record = {"properties": {}}
    for name, value in record.items():
        if name in ("email", "phone_number", *PLAIN):
            attributes[name] = value
        elif name.startswith("location."):
            attributes.setdefault("location", {})[name.removeprefix("location.")] = value
        elif name != "id":
            attributes["properties"][name] = value
    known = {"id": record["id"]} if record.get("id") else {}
    return {"type": "profile", **known, "attributes": attributes}


def event_of(record: Record, metric: Record) -> Record:
    """An event with its profile and metric."""
    own = {f.name for f in EVENT}
    person = {name: record[name] for name in ("email", "phone_number") if record.get(name)}
    known = {"id": record["id"]} if record.get("id") else {}
    told = {name: record[name] for name in ("time", "value", "unique_id") if record.get(name) is not None}
    properties = {name: value for name, value in record.items() if name not in own}
    event = {"type": "event", "attributes": {"metric": metric, "properties": properties, **told}}
    profile = {"data": {"type": "profile", **known, "attributes": person}}
    return {"type": "event-bulk-create", "attributes": {"profile": profile, "events": {"data": [event]}}}


def refused(error: Record) -> Iterable[tuple[int, str]]:
    """Which profile an import error is about; its pointer holds the place."""
    told = error["attributes"]
    if at := re.search(r"/profiles/data/(\d+)", told["source"].get("pointer") or ""):
        yield int(at[1]), told["detail"]


async def look_up(work: Work) -> Found:
    """The ids of profiles by e-mail or phone number, 100 values a request."""

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        quoted = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
        query = {"filter": f"any({work.match},[{quoted}])", "fields[profile]": work.match, "page[size]": 100}
        pages = work.line.pages("profiles", "data", next_page, query)
        return [(profile["attributes"][work.match], profile["id"]) async for profile in pages]

    return await work.look_up(ask, fold=str.lower)


def next_page(answer: Record) -> str | None:
    """The address of the next page."""
    return (answer.get("links") or {}).get("next")


def says(answer: Any) -> str:
    """Klaviyo's own words (JSON:API)."""
    return "; ".join(str(error["detail"]) for error in answer["errors"])


class KlaviyoDestination(RestDestination):
    """A Klaviyo account."""

    api = Api(
        base="https://a.klaviyo.com/api",
        version=VERSION,
        headers={"revision": VERSION, "Accept": "application/vnd.api+json"},
        sign_in=SIGN_IN,
        test=("GET", "accounts"),
        says=says,
    )
    definition = definition(LIST.settings)
    writers: ClassVar = {
        "profiles": write_profiles,
        "events": write_events,
        "list": write_list,
        "subscriptions": write_subscriptions,
    }
    places: ClassVar = {"list": LIST, "subscriptions": LIST}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return {"profiles": PROFILE, "events": EVENT}.get(sync_type, MATCHED)

    async def lists(self) -> list[Choice]:
        """The account's lists."""
        async with self.line() as line:
            pages = line.pages("lists", "data", next_page)
            return [Choice(found["id"], found["attributes"]["name"]) async for found in pages]
