"""Mattermost: messages and tables in channels, by the API or by incoming webhooks that it makes.

https://developers.mattermost.com/integrate/webhooks/incoming/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.sdk.context import Environment
from connectors.sdk.destination import DestinationDefinition, Limits, Rate
from connectors.sdk.errors import Gone
from connectors.sdk.fields import Select, Text, Toggle, When
from connectors.sdk.notifier import MessageKinds, Outgoing, message_types
from connectors.sdk.notifier.chat import ChatDestination
from connectors.sdk.rest import Api, KeyHeader, Line, Record
from connectors.sdk.rest.api import MAX_PAGES
from connectors.sdk.types import Choice, Verification

HOOK = "Headrace"  # what the webhooks are called that are made here
HOOKS = 200  # of a page
BY_HOOK = When(field="webhook", values=(True,))


def server_of(config: Mapping[str, Any]) -> str:
    """The server's address."""
    return str(config.get("server") or "").rstrip("/")


API = Api(
    base=lambda config: f"{server_of(config)}/api/v4",
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
    more=(
        Toggle(
            name="webhook",
            label="Choose how the sender is shown",
            help="Messages go by an incoming webhook, made for each channel. The account needs the right to make them.",
        ),
        Text(name="username", label="Shown as", required=False, when=BY_HOOK),
        Text(
            name="icon_emoji",
            label="Emoji",
            help="Instead of a picture.",
            placeholder=":wave:",
            required=False,
            when=BY_HOOK,
        ),
        Text(name="icon_url", label="Address of a picture", help="48 × 48 pixels.", required=False, when=BY_HOOK),
    ),
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

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self._hooks: dict[str, str] = {}

    async def say(self, line: Line, message: Outgoing) -> None:
        text = f"```\n{message.text}\n```" if message.kind == "table" else message.text
        settings = message.settings
        if not settings.get("webhook"):
            await line.post("posts", {"channel_id": message.to, "message": text})
            return
        shown = {name: settings[name] for name in ("username", "icon_emoji", "icon_url") if settings.get(name)}
        hook = await self._hook(line, message.to)
        await line.send("POST", f"{server_of(self.config)}/hooks/{hook}", json={"text": text, **shown})

    async def _hook(self, line: Line, channel: str) -> str:
        """The webhook of this channel that was made here, or a new one. Whoever knows it may write there."""
        if channel not in self._hooks:
            team = (await line.get(f"channels/{channel}"))["team_id"]
            known = {
                each["channel_id"]: each["id"] for each in await hooks_of(line, team) if each["display_name"] == HOOK
            }
            if channel not in known:
                asked = {"channel_id": channel, "display_name": HOOK, "channel_locked": True}
                known[channel] = (await line.post("hooks/incoming", asked))["id"]
            line.hide(known[channel])
            self._hooks[channel] = known[channel]
        return self._hooks[channel]

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


async def hooks_of(line: Line, team: str) -> list[Record]:
    """The team's incoming webhooks that the account sees."""
    found: list[Record] = []
    for page in range(MAX_PAGES):
        answer = await line.get("hooks/incoming", {"team_id": team, "page": page, "per_page": HOOKS})
        found += answer
        if len(answer) < HOOKS:
            break
    return found
