"""PagerDuty, by its Events API v2: one incident a matter, resolved when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connectors.sdk.errors import InternalError
from connectors.sdk.fields import Text
from connectors.sdk.net import Request, Response
from notifications.channels.base import TIMEOUT_S, ChannelType, post
from notifications.choices import Phase, Severity
from notifications.message import Message, shortened

_SEVERITY = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.OK: "info", Severity.INFO: "info"}
_DETAIL = 2_000  # characters


def event_of(message: Message, routing_key: str) -> dict[str, Any]:
    """The event of one message; ``dedup_key`` makes repeated events one incident."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if message.phase is Phase.RESOLVED else "trigger",
        "dedup_key": message.thread[:255],
    }
    if message.phase is Phase.RESOLVED:
        return event
    details = {"summary": message.summary, "words": message.words[:_DETAIL], "what_to_do": message.advice}
    details |= dict(message.facts)
    event["payload"] = {
        "summary": shortened(message.title, 1024),
        "source": shortened(message.source or message.workspace, 255),
        "severity": _SEVERITY[message.severity],
        "timestamp": message.at.isoformat(),
        "component": message.source,
        "group": message.workspace,
        "custom_details": {name: value for name, value in details.items() if value},
    }
    event["client"] = "Headrace"
    if message.url:
        event["client_url"] = message.url
        event["links"] = [{"href": message.url, "text": message.url_label or "Open in Headrace"}]
    return event


def _send(values: Mapping[str, Any], message: Message) -> str:
    key = values["routing_key"]
    request = Request(
        "POST",
        values["base_url"].rstrip("/") + "/v2/enqueue",
        {"Content-Type": "application/json"},
        orjson.dumps(event_of(message, key)),
        TIMEOUT_S,
    )
    return post(request, secrets=(key,), judge=_answer)


def _answer(response: Response) -> str:
    answer = response.json()
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise InternalError(
            f"The address did not answer as PagerDuty does: {response.sample()}", hint="Check the Events API address."
        )
    return str(answer.get("dedup_key", ""))


PAGERDUTY = ChannelType(
    key="pagerduty",
    name="PagerDuty",
    icon="siren",
    about="Opens an incident when an alert begins and resolves it when it ends.",
    duplicates="Repeated events join the incident that is open: nobody is paged twice.",
    fields=(
        Text(
            name="routing_key",
            label="Integration key",
            secret=True,
            pattern=r"[0-9A-Za-z]{32}",
            pattern_hint="32 letters and digits",
            help="Of an “Events API v2” integration of the service.",
        ),
        Text(
            name="base_url",
            label="Events API address",
            default="https://events.pagerduty.com",
            help="Accounts in the EU region use https://events.eu.pagerduty.com.",
        ),
    ),
    deliver=_send,
    target=lambda config: config["base_url"].removeprefix("https://"),
)
