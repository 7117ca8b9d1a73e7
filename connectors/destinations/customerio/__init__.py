"""Customer.io: people, events, segments and objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations.customerio import sends
from connectors.destinations.customerio.settings import (
    APP,
    HAPPENED,
    LOOKING,
    NAMES,
    OBJECT,
    PERSON,
    REGIONS,
    SIGN_IN,
    definition,
)
from connectors.sdk.destination import DestinationField, Job, Limits, Mode
from connectors.sdk.rest import Api, Line, Place, RestDestination
from connectors.sdk.types import Choice, Operation


def says(answer: Any) -> str:
    """The words in an answer: the two versions of the Track API have them in different places."""
    if "meta" in answer:
        told = answer["meta"]
        return str(told.get("error") or "; ".join(told["errors"]))
    return "; ".join(sends.words(error) for error in answer["errors"])


async def find_segment(line: Line, job: Job, name: str) -> str | None:
    """The id of the manual segment with this name."""
    return next((each.value for each in await segments_of(line) if each.label == name), None)


async def make_segment(line: Line, job: Job, name: str) -> str:
    """A new manual segment's id."""
    return str((await line.beside(APP).post("v1/segments", {"segment": {"name": name}}))["segment"]["id"])


async def segments_of(line: Line) -> list[Choice]:
    """The manual segments."""
    told = (await line.beside(APP).get("v1/segments"))["segments"]
    return [Choice(str(each["id"]), each["name"]) for each in told if each["type"] == "manual"]


SEGMENT = Place(noun="segment", discover="segments", find=find_segment, make=make_segment)


class CustomerioDestination(RestDestination):
    """A workspace of Customer.io."""

    api = Api(
        base=lambda config: f"https://track{REGIONS[config.get('region') or 'us']}.customer.io",
        version="v2",
        sign_in=SIGN_IN,
        says=says,
    )
    definition = definition(SEGMENT.settings)
    writers: ClassVar = {
        "people": sends.write_people,
        "events": sends.write_events,
        "segment": sends.write_segment,
        "objects": sends.write_objects,
    }
    places: ClassVar = {"segment": SEGMENT}

    async def check(self) -> None:
        """Both interfaces, each with its own key."""
        async with self.line() as line:
            await line.get("auth")
            await line.beside(APP).get("v1/segments")

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        looks = job.sync_type == "objects" and job.mode is Mode.UPDATE
        return LOOKING if looks else super().limits(job, operation)

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "events":
            return [*HAPPENED, *NAMES.fields(settings)]
        return OBJECT if sync_type == "objects" else PERSON

    async def segments(self) -> list[Choice]:
        """The workspace's manual segments."""
        async with self.line() as line:
            return await segments_of(line)

    async def object_types(self) -> list[Choice]:
        """The workspace's types of objects."""
        async with self.line() as line:
            told = (await line.beside(APP).get("v1/object_types"))["types"]
            return [Choice(str(each["id"]), each["name"]) for each in told if each.get("enabled", True)]
