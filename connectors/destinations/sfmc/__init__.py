"""Salesforce Marketing Cloud: data extensions, contacts, journeys and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations.sfmc import extensions, sends
from connectors.destinations.sfmc.settings import (
    CONTACT,
    ENTRY,
    LEAVING,
    MESSAGE,
    SIGN_IN,
    definition,
)
from connectors.sdk.destination import DestinationField, Job, Limits, Mode
from connectors.sdk.rest import Api, Line, RestDestination
from connectors.sdk.types import Choice, Operation

PAGE = 100


class SfmcDestination(RestDestination):
    """A business unit of Marketing Cloud."""

    api = Api(
        base=lambda config: f"https://{config['subdomain']}.rest.marketingcloudapis.com",
        version="v1",
        sign_in=SIGN_IN,
    )
    definition = definition(extensions.EXTENSION.settings)
    writers: ClassVar = {
        "rows": extensions.write_rows,
        "contacts": sends.write_contacts,
        "journey": sends.write_journey,
        "message": sends.write_message,
    }
    places: ClassVar = {"rows": extensions.EXTENSION}

    async def check(self) -> None:
        """A token: what it is good for depends on the package's permissions."""
        async with self.line() as line:
            await line.prove()

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        out = job.mode is Mode.REMOVE or operation is Operation.REMOVED
        return LEAVING if job.sync_type == "journey" and out else super().limits(job, operation)

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "rows":
            chosen = settings.get(extensions.EXTENSION.noun)
            if settings.get(f"{extensions.EXTENSION.noun}_from") != "existing" or not chosen:
                return ()
            async with self.line() as line:
                return await extensions.fields_of(line, str(chosen))
        return {"contacts": CONTACT, "journey": ENTRY}.get(sync_type, MESSAGE)

    async def clear(self, job: Job) -> None:
        if key := extensions.EXTENSION.id_for(job):
            async with self.line(timeout_s=120) as line:
                await extensions.clear(line, key)

    async def extensions(self) -> list[Choice]:
        """The data extensions."""
        async with self.line() as line:
            return await extensions.extensions_of(line)

    async def folders(self) -> list[Choice]:
        """The folders of data extensions."""
        async with self.line() as line:
            return await extensions.folders_of(line)

    async def journeys(self) -> list[Choice]:
        """The journeys that run."""
        query = {"status": "Published", "mostRecentVersionOnly": "true"}
        async with self.line() as line:
            return [
                Choice(e["key"], e["name"]) for e in await paged(line, "interaction/v1/interactions", "items", query)
            ]

    async def messages(self, channel: str) -> list[Choice]:
        """The send definitions of a channel."""
        async with self.line() as line:
            told = await paged(line, f"messaging/v1/{channel}/definitions", "definitions", {})
            return [Choice(each["definitionKey"], each["name"]) for each in told]


async def paged(line: Line, path: str, items: str, query: dict[str, Any]) -> list[Any]:
    """A list of Marketing Cloud's, a hundred at a time."""
    page = 1

    def following(answer: Any) -> dict[str, Any] | None:
        nonlocal page
        if not answer.get(items) or page * PAGE >= int(answer["count"]):
            return None
        page += 1
        return {"$page": page}

    return [each async for each in line.pages(path, items, following, {**query, "$page": 1, "$pageSize": PAGE})]
