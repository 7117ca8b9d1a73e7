"""Slack, by an incoming webhook or as a bot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, RateLimited, Unavailable
from connectors.sdk.fields import Select, Text, When
from connectors.sdk.net import Request, Response
from connectors.sdk.types import Choice
from notifications.channels.base import TIMEOUT_S, ChannelType, post
from notifications.choices import Severity
from notifications.message import Message, shortened

_MARKS = {
    Severity.CRITICAL: ":red_circle:",
    Severity.WARNING: ":large_orange_circle:",
    Severity.OK: ":large_green_circle:",
    Severity.INFO: ":large_blue_circle:",
}
_SECTION = 2_900  # characters; Slack takes 3,000
_TOKEN = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
_TOKEN |= {"no_permission", "org_login_required", "ekm_access_denied"}
_CHANNEL = {"channel_not_found", "not_in_channel", "is_archived", "restricted_action"}
_LATER = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}


def body_of(message: Message) -> dict[str, Any]:
    """The message as Slack draws it, with the text that notifications show."""
    title = f"{_MARKS[message.severity]} *{_escaped(shortened(message.title, 250))}*"
    lines = [title, _escaped(message.summary)]
    if message.words:
        quoted = "\n".join(f">{_escaped(line)}" for line in message.words[:1_500].splitlines())
        lines.append(quoted)
    if message.advice:
        lines.append(f"*What to do:* {_escaped(message.advice)}")
    if message.url:
        lines.append(f"<{message.url}|{_escaped(message.url_label or 'Open in Headrace')}>")
    blocks: list[dict[str, Any]] = [_section("\n".join(lines))]
    if message.facts:
        facts = "  ·  ".join(f"{_escaped(label)}: {_escaped(value)}" for label, value in message.facts)
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": facts[:_SECTION]}]})
    text = _escaped(shortened(f"{message.title}: {message.summary}", 1_000))
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _send(values: Mapping[str, Any], message: Message) -> str:
    body = body_of(message)
    if values["method"] == "webhook":
        url = values["webhook_url"]
        request = Request("POST", url, {"Content-Type": "application/json"}, orjson.dumps(body), TIMEOUT_S)
        return post(request, secrets=(url,), judge=_webhook_answer)
    token = values["token"]
    request = Request(
        "POST",
        values["base_url"].rstrip("/") + "/chat.postMessage",
        {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {token}"},
        orjson.dumps({"channel": values["channel"], **body}),
        TIMEOUT_S,
    )
    return post(request, secrets=(token,), judge=_api_answer)


def _webhook_answer(response: Response) -> str:
    if response.text.strip() != "ok":
        raise ConfigError(
            f"The address did not answer as Slack does: {response.sample()}", hint="Copy the webhook URL from Slack."
        )
    return ""


def _api_answer(response: Response) -> str:
    """Slack answers 200 to refused calls too."""
    answer = response.json()
    if isinstance(answer, dict) and answer.get("ok") is True:
        return str(answer.get("ts", ""))
    raise _error(str(answer.get("error", "no reason given")) if isinstance(answer, dict) else response.sample())


def _error(code: str) -> ConnectorError:
    words = f"Slack refused the message: {code}"
    if code in _TOKEN:
        return AuthError(words, hint="Replace the bot token; it needs the scope chat:write.")
    if code in _CHANNEL:
        return ConfigError(words, field="channel", hint="Invite the app to the channel, and enter the channel's ID.")
    if code == "ratelimited":
        return RateLimited(words)
    if code in _LATER:
        return Unavailable(words)
    return ConfigError(words, hint="Check the channel's settings, then send a test message.")


def _section(text: str) -> dict[str, Any]:
    shown = text if len(text) <= _SECTION else text[:_SECTION] + "…"
    return {"type": "section", "text": {"type": "mrkdwn", "text": shown}}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _target(config: Mapping[str, Any]) -> str:
    return f"channel {config['channel']}" if config.get("method") == "bot" else "incoming webhook"


SLACK = ChannelType(
    key="slack",
    name="Slack",
    icon="message-square",
    about="To a channel, by an incoming webhook or a bot token.",
    duplicates="Slack has no way to join copies: after a crash in mid-sending a message may appear twice.",
    fields=(
        Select(
            name="method",
            label="How to post",
            style="cards",
            default="webhook",
            choices=(
                Choice("webhook", "Incoming webhook", "One address for one channel, made in Slack's app settings."),
                Choice("bot", "Bot token", "An app with the scope chat:write, in any channel it was invited to."),
            ),
        ),
        Text(
            name="webhook_url",
            label="Webhook URL",
            secret=True,
            pattern=r"https?://\S+",
            pattern_hint="an address that begins with https://",
            help="Whoever has this address can post, so it is stored encrypted and never shown.",
            when=When(field="method", values=("webhook",)),
        ),
        Text(
            name="token",
            label="Bot token",
            secret=True,
            help="Begins with xoxb-.",
            when=When(field="method", values=("bot",)),
        ),
        Text(
            name="channel",
            label="Channel",
            placeholder="C0123456789",
            help="The channel's ID, under its details in Slack; a name such as #data-oncall works for public channels.",
            when=When(field="method", values=("bot",)),
        ),
        Text(
            name="base_url",
            label="API address",
            default="https://slack.com/api",
            help="Another one only for Slack's government cloud: https://slack-gov.com/api.",
            when=When(field="method", values=("bot",)),
        ),
    ),
    deliver=_send,
    target=_target,
)
