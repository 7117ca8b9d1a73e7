"""OneSignal: tags of users."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Limits,
    Rate,
    Removal,
    RowResult,
    SyncType,
)
from connectors.sdk.fields import Text
from connectors.sdk.modes import update
from connectors.sdk.rest import Api, KeyHeader, Record, RestDestination, Results, Work, besides, field, missing
from connectors.sdk.rest.work import NO_MATCH, text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Verification

USER = (
    field("external_id", "External ID", identifier=True, description="The ID by which your apps sign users in."),
    field("onesignal_id", "OneSignal ID", identifier=True, description="Made by OneSignal."),
)


async def write_tags(work: Work) -> Results:
    """One request a user: OneSignal has none for several."""
    return await work.each(partial(send_tags, work), at_once=8)


async def send_tags(work: Work, record: Record) -> RowResult | None:
    """Change the tags of a user that is there."""
    if refusal := missing(record, work.match):
        return refusal
    tags = {name: tag(value) for name, value in besides(record, USER).items()}
    path = f"apps/{work.config['app_id']}/users/by/{work.match}/{quote(text(record[work.match]), safe='')}"
    answer = await work.line.send("PATCH", path, json={"properties": {"tags": tags}}, takes=(404,))
    return NO_MATCH if answer.status == 404 else None


def tag(value: Any) -> str:
    """A value as tags have it: text, of which an empty one removes the tag."""
    if value is None:
        return ""
    return dumps(value).decode() if isinstance(value, dict | list) else text(value)


class OnesignalDestination(RestDestination):
    """An app of OneSignal."""

    api = Api(
        base="https://api.onesignal.com",
        sign_in=KeyHeader(
            key=Text(name="api_key", label="App API key", help="Settings → Keys & IDs.", secret=True), prefix="Key "
        ),
    )
    definition = DestinationDefinition(
        key="onesignal",
        name="OneSignal",
        category="E-mail & lifecycle",
        summary="Tags of users.",
        docs_url="docs/destinations/onesignal.md",
        fields=(
            Text(
                name="app_id",
                label="App ID",
                help="Settings → Keys & IDs.",
                pattern=r"[0-9a-fA-F-]{36}",
                pattern_hint="36 characters, such as 3beb3078-e0f1-4629-af17-fde833b9f716.",
            ),
            *api.sign_in.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="tags",
                name="User tags",
                description="Tags of users that are there, on all of their devices.",
                modes=(update(Removal.CLEAR, noun="users"),),
                limits=Limits(batch_rows=500, concurrency=2, rates=(Rate(requests=50, seconds=1),), batch_s=300),
                custom_fields=True,
            ),
        ),
    )
    writers: ClassVar = {"tags": write_tags}

    async def check(self) -> None:
        """The app's messages, which its own key may list."""
        async with self.line() as line:
            await line.get("notifications", {"app_id": self.config["app_id"], "limit": 1})

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return USER
