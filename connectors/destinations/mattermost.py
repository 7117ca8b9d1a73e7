"""Mattermost: messages and tables in channels."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.sdk.destination import DestinationDefinition, Limits, Rate
from connectors.sdk.errors import Gone
from connectors.sdk.fields import Select, Text
from connectors.sdk.notifier import MessageKinds, Outgoing, message_types
from connectors.sdk.notifier.chat import ChatDestination
from connectors.sdk.rest import Api, KeyHeader, Line
from connectors.sdk.types import Choice, Verification

API = Api(
    base=lambda config: f"{str(config.get('server') or '').rstrip('/')}/api/v4",
    version="v4",
    sign_in=KeyHeader(
        key=Text(
            name="token",
            label="Access token",
            help="Of a bot account, or a personal one: Profile → Security → Personal access tokens.",
            secret=True,
        )
    ),
    test=("GET", "users/me"),
)
KINDS = MessageKinds(
    to=Select(name="to", label="Channel", discover="channels", help="The account has to be in it."),
    to_by_row=Text(
        name="to",
        label="Channel ID",
        help="Channel → View info → ID, or a column that holds it: {{ row.channel }}.",
        template=True,
        syntax="liquid",
    ),
    limits=Limits(rates=(Rate(requests=5, seconds=1),), concurrency=1),
)


class MattermostDestination(ChatDestination):
    """A Mattermost server."""

    api = API
    longest = 16_383
    definition: ClassVar = DestinationDefinition(
        key="mattermost",
        name="Mattermost",
        category="Messaging",
        summary="Messages and tables in channels.",
        docs_url="docs/destinations/mattermost.md",
        fields=(
            Text(
                name="server",
                label="Server",
                placeholder="https://chat.example.com",
                pattern=r"https?://\S+",
                pattern_hint="an address that begins with https://",
            ),
            *API.sign_in.fields,
        ),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=message_types(KINDS),
    )

    async def say(self, line: Line, message: Outgoing) -> None:
        text = f"```\n{message.text}\n```" if message.kind == "table" else message.text
        await line.post("posts", {"channel_id": message.to, "message": text})

    async def find_user(self, line: Line, email: str) -> str | None:
        try:
            return str((await line.get(f"users/email/{email}"))["username"])
        except Gone:
            return None

    async def channels(self) -> list[Choice]:
        """The channels that the account is in, team by team."""
        found: list[Choice] = []
        async with self.line() as line:
            for team in await line.get("users/me/teams"):
                joined: list[Any] = await line.get(f"users/me/teams/{team['id']}/channels")
                found += [
                    Choice(each["id"], f"{team['display_name']}: {each['display_name'] or each['name']}")
                    for each in joined
                ]
        return found
