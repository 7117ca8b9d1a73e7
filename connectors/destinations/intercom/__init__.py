"""Intercom: contacts, companies and events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations.intercom.records import write_companies, write_contacts
from connectors.destinations.intercom.settings import (
    COMPANY,
    CONTACT,
    CUSTOM,
    EVENT,
    EVENT_NAMES,
    HOSTS,
    SIGN_IN,
    VERSION,
    definition,
)
from connectors.sdk.destination import ACCEPTED, DestinationField, Job
from connectors.sdk.rest import Api, RestDestination, Results, Work, besides, field, missing
from connectors.sdk.rest.times import unix_ms
from connectors.sdk.rest.work import text

TYPES = {"boolean": "boolean", "integer": "number", "float": "number", "date": "moment"}


async def write_event(work: Work) -> Results:
    """One event, once."""
    record = work.records[0]
    if refusal := EVENT_NAMES.refusal(work.settings, record) or missing(record, "user_id", "email", "id"):
        return [refusal]
    person = {name: text(record[name]) for name in ("user_id", "email", "id") if record.get(name) is not None}
    when = record.get("created_at") or work.job.started_at
    told = {
        "event_name": EVENT_NAMES.of(work.settings, record),
        "created_at": unix_ms(when, field="created_at") // 1000,
        **person,
    }
    metadata = {
        name: value for name, value in besides(record, (*EVENT, EVENT_NAMES.field)).items() if value is not None
    }
    await work.line.send("POST", "events", json={**told, **({"metadata": metadata} if metadata else {})})
    return [ACCEPTED]


def says(answer: Any) -> str:
    """Intercom's own words."""
    return "; ".join(str(error["message"]) for error in answer["errors"])


class IntercomDestination(RestDestination):
    """An Intercom workspace."""

    api = Api(
        base=lambda config: HOSTS[config.get("region") or "us"],
        version=VERSION,
        headers={"Intercom-Version": VERSION, "Accept": "application/json"},
        sign_in=SIGN_IN,
        test=("GET", "me"),
        says=says,
    )
    definition = definition()
    writers: ClassVar = {"contacts": write_contacts, "companies": write_companies, "events": write_event}

    def wants_old(self, job: Job) -> bool:
        return bool(job.settings.get("tag_mode") == "difference")

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "events":
            return (*EVENT, *EVENT_NAMES.fields(settings))
        model = {"contacts": "contact", "companies": "company"}[sync_type]
        async with self.line() as line:
            told = (await line.get("data_attributes", {"model": model}))["data"]
        custom = [
            field(f"{CUSTOM}{a['name']}", a["label"], TYPES.get(a["data_type"], "text"), native_type=a["data_type"])
            for a in told
            if a.get("custom") and a.get("api_writable", True)
        ]
        return [*(CONTACT if model == "contact" else COMPANY), *custom]
