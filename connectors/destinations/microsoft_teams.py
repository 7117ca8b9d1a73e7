"""Microsoft Teams: messages and tables in channels, by a person who signed in."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.sdk.destination import DestinationDefinition, Limits, Rate
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Select, Text
from connectors.sdk.notifier import MessageKinds, Outgoing, message_types
from connectors.sdk.notifier.chat import ChatDestination
from connectors.sdk.rest import Api, Line, OAuthApp, Record
from connectors.sdk.types import Choice, Verification

HOST = "https://login.microsoftonline.com"


def tenant(config: Any) -> str:
    """Whose people may sign in."""
    return str(config.get("tenant") or "organizations")


SIGN_IN = OAuthApp(
    page=lambda config: f"{HOST}/{tenant(config)}/oauth2/v2.0/authorize",
    tokens=lambda config: f"{HOST}/{tenant(config)}/oauth2/v2.0/token",
    scopes=("offline_access", "ChannelMessage.Send", "Team.ReadBasic.All", "Channel.ReadBasic.All"),
    app="Microsoft Entra admin center → App registrations (platform: Web)",
)


def next_page(answer: Any) -> str | None:
    """The address of the next page."""
    return str(answer["@odata.nextLink"]) if "@odata.nextLink" in answer else None


API = Api(
    base="https://graph.microsoft.com/v1.0",
    version="v1.0",
    sign_in=SIGN_IN,
    test=("GET", "me/joinedTeams"),
    says=lambda answer: f"{answer['error']['message']} ({answer['error']['code']})",
)
KINDS = MessageKinds(
    to=Select(name="to", label="Channel", discover="channels"),
    to_by_row=Text(
        name="to",
        label="Team and channel",
        help="Their IDs with a slash between: {{ row.team_id }}/{{ row.channel_id }}.",
        template=True,
        syntax="liquid",
    ),
    limits=Limits(rates=(Rate(requests=3, seconds=1),), concurrency=1),
    subject=True,
    formatting=(
        Select(
            name="content",
            label="Messages are",
            default="text",
            choices=(Choice("text", "Text"), Choice("html", "HTML", "Use the escape filter for values of rows.")),
        ),
    ),
)


class MicrosoftTeamsDestination(ChatDestination):
    """The teams of a person who agreed."""

    api = API
    longest = 25_000
    definition: ClassVar = DestinationDefinition(
        key="microsoft_teams",
        name="Microsoft Teams",
        category="Messaging",
        summary="Messages and tables in channels.",
        docs_url="docs/destinations/microsoft_teams.md",
        fields=(
            Text(
                name="tenant",
                label="Directory (tenant) ID",
                default="organizations",
                help="Of your organisation. Leave it as it is where the app is for several.",
                pattern=r"[A-Za-z0-9.-]+",
            ),
            *SIGN_IN.fields,
        ),
        connects=SIGN_IN.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=message_types(KINDS),
    )

    async def say(self, line: Line, message: Outgoing) -> None:
        team, slash, channel = message.to.partition("/")
        if not (team and slash and channel):
            raise ConfigError("A channel is named by the IDs of team and channel, with a slash between.", field="to")
        kind = "html" if message.settings.get("content") == "html" else "text"
        body: Record = {"body": {"contentType": kind, "content": message.text}}
        if message.subject:
            body["subject"] = message.subject
        await line.post(f"teams/{team}/channels/{channel}/messages", body)

    async def channels(self) -> list[Choice]:
        """The channels of the person's teams."""
        found: list[Choice] = []
        async with self.line() as line:
            async for team in line.pages("me/joinedTeams", "value", next_page):
                async for each in line.pages(f"teams/{team['id']}/channels", "value", next_page):
                    name = f"{team['displayName']}: {each['displayName']}"
                    found.append(Choice(f"{team['id']}/{each['id']}", name))
        return found
