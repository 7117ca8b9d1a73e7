"""Slack: messages, tables and CSV files in channels."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, ClassVar

from connectors.sdk.destination import DestinationDefinition, Limits, Rate
from connectors.sdk.errors import AuthError, BatchRejected, InternalError, RateLimited, Unavailable
from connectors.sdk.fields import Builder, Select, Text, Toggle
from connectors.sdk.net import parse_url
from connectors.sdk.notifier import MessageKinds, Outgoing, message_types
from connectors.sdk.notifier.chat import ChatDestination
from connectors.sdk.rest import Api, Either, ErrorCodes, KeyHeader, Line, OAuthApp, Record
from connectors.sdk.rest.api import at
from connectors.sdk.types import Choice, Verification

MOST_BLOCKS = 50
CODES = ErrorCodes(
    find=lambda answer: None if answer["ok"] else answer["error"],
    meanings={
        **dict.fromkeys(
            ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
            AuthError,
        ),
        **dict.fromkeys(("ratelimited", "rate_limited"), RateLimited),
        **dict.fromkeys(
            ("internal_error", "fatal_error", "service_unavailable", "request_timeout"),
            partial(Unavailable, in_doubt=True),
        ),
    },
    always=True,
)
WORDS = {
    "not_in_channel": "the app is not in this channel; invite it there",
    "channel_not_found": "there is no such channel, or the app cannot see it",
    "is_archived": "the channel is archived",
    "missing_scope": "the app lacks a permission",
}


def says(answer: Any) -> str:
    """Slack's code, in words where people can do something."""
    code = str(answer["error"])
    needed = f" ({answer['needed']})" if answer.get("needed") else ""
    return f"{WORDS[code]}{needed} ({code})." if code in WORDS else code


SCOPES = (
    "chat:write",
    "chat:write.customize",
    "channels:read",
    "groups:read",
    "users:read",
    "users:read.email",
    "files:write",
)
API = Api(
    base="https://slack.com/api",
    sign_in=Either(
        ways={
            "token": (
                Choice("token", "Bot token", "Of an app that is installed in your workspace."),
                KeyHeader(
                    key=Text(
                        name="bot_token",
                        label="Bot token",
                        help="Your Slack app → OAuth & Permissions → Bot User OAuth Token.",
                        placeholder="xoxb-…",
                        secret=True,
                    )
                ),
            ),
            "oauth": (
                Choice("oauth", "Your own OAuth app", "A person chooses the workspace on Slack's page."),
                OAuthApp(
                    page="https://slack.com/oauth/v2/authorize",
                    tokens="https://slack.com/api/oauth.v2.access",
                    scopes=SCOPES,
                    scope_of=lambda config: ",".join(SCOPES),
                    app="api.slack.com/apps → Your app → Basic Information",
                    pkce=False,  # Slack knows it for apps without a secret alone
                ),
            ),
        }
    ),
    test=("POST", "auth.test"),
    codes=CODES,
    says=says,
)
CHANNEL = Select(name="to", label="Channel", discover="channels", help="The app has to be in it.")
KINDS = MessageKinds(
    to=CHANNEL,
    to_by_row=Text(
        name="to",
        label="Channel ID",
        help="Such as C024BE91L, or a column that holds it: {{ row.channel }}.",
        template=True,
        syntax="liquid",
    ),
    limits=Limits(rates=(Rate(requests=1, seconds=1),), concurrency=1),
    together=50,
    files=True,
    formatting=(
        Select(
            name="content",
            label="Messages are",
            default="text",
            choices=(
                Choice("text", "Text", "In Slack's mrkdwn."),
                Choice(
                    "blocks",
                    "Block Kit",
                    "Each template is a JSON array of blocks; a button beside it opens Slack's builder.",
                ),
            ),
        ),
    ),
    builder=Builder(name="Block Kit Builder", url="https://app.slack.com/block-kit-builder/#", key="blocks"),
    more=(
        Text(name="username", label="Shown as", required=False, help="Instead of the app's name."),
        Text(name="icon_emoji", label="Emoji", required=False, placeholder=":wave:", help="Instead of its picture."),
        Text(name="icon_url", label="Address of a picture", required=False),
        Toggle(name="unfurl", label="Show previews of links", default=True),
    ),
)


def blocks_in(text: str) -> list[Any]:
    """The blocks of one or several JSON arrays, one after another."""
    found: list[Any] = []
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError as error:
            raise BatchRejected(f"The message is no JSON array of blocks: {error}.") from error
        found += value if isinstance(value, list) else [value]
        rest = rest[end:].strip()
    if len(found) > MOST_BLOCKS:
        raise BatchRejected(f"The message has {len(found)} blocks; {MOST_BLOCKS} fit.")
    return found


class SlackDestination(ChatDestination):
    """A Slack workspace, by an app of its own."""

    api = API
    longest = 40_000
    definition: ClassVar = DestinationDefinition(
        key="slack",
        name="Slack",
        category="Messaging",
        summary="Messages, tables and CSV files in channels.",
        docs_url="docs/destinations/slack.md",
        status_page="https://status.slack.com",
        fields=API.sign_in.fields,
        connects=API.sign_in.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=message_types(KINDS),
    )

    async def say(self, line: Line, message: Outgoing) -> None:
        if message.file:
            await self._send_file(line, message)
            return
        settings = message.settings
        body: Record = {"channel": message.to, "text": message.text}
        if settings.get("content") == "blocks":
            body = {"channel": message.to, "blocks": blocks_in(message.text)}
        elif message.kind == "table":
            body["text"] = f"```\n{message.text}\n```"
        body |= {name: settings[name] for name in ("username", "icon_emoji", "icon_url") if settings.get(name)}
        if not settings.get("unfurl", True):
            body |= {"unfurl_links": False, "unfurl_media": False}
        await line.post("chat.postMessage", body)

    async def _send_file(self, line: Line, message: Outgoing) -> None:
        asked = {"filename": message.file_name, "length": len(message.file)}
        given = (await line.send("POST", "files.getUploadURLExternal", form=asked)).json()
        host = parse_url(given["upload_url"]).host or ""
        if not host.endswith(".slack.com"):
            raise InternalError("Slack names another host for files, which gets nothing.")
        # A file that arrived is answered in plain words: here the status says all.
        await line.send("POST", given["upload_url"], body=message.file, content_type="text/csv", takes=(200,))
        done = {"files": [{"id": given["file_id"], "title": message.file_name}], "channel_id": message.to}
        await line.post(
            "files.completeUploadExternal", {**done, **({"initial_comment": message.text} if message.text else {})}
        )

    async def find_user(self, line: Line, email: str) -> str | None:
        try:
            return str((await line.get("users.lookupByEmail", {"email": email}))["user"]["id"])
        except BatchRejected:
            return None

    async def channels(self) -> list[Choice]:
        """The channels that the app sees."""

        def following(answer: Any) -> dict[str, str] | None:
            cursor = at(answer, "response_metadata.next_cursor")
            return {"cursor": cursor} if cursor else None

        query = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": 1_000}
        async with self.line() as line:
            pages = line.pages("conversations.list", "channels", following, query)
            return [Choice(each["id"], f"#{each['name']}") async for each in pages]
