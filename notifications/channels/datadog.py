"""Datadog, by its Events API v1: one event a message, those of one matter aggregated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.sdk.errors import InternalError
from connectors.sdk.fields import Text
from connectors.sdk.net import Request, Response
from notifications.channels.base import TIMEOUT_S, ChannelType, post
from notifications.choices import Severity
from notifications.message import Message, shortened

_ALERT_TYPE = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.OK: "success", Severity.INFO: "info"}
_TITLE = 100  # characters
_TEXT = 4_000
_TAG = 200


def event_of(message: Message, tags: str) -> dict[str, Any]:
    """The event of one message. An aggregation key is short, so a thread's digest stands for it.

    It bears no time: Datadog refuses events of long ago, and a message may have waited.
    """
    text = message.text()
    own = [f"workspace:{message.workspace}", f"phase:{message.phase}"]
    own += [f"source:{message.source}"] if message.source else []
    given = [tag.strip() for tag in tags.split(",") if tag.strip()]
    return {
        "title": shortened(message.title, _TITLE),
        "text": text if len(text) <= _TEXT else text[: _TEXT - 1] + "…",
        "alert_type": _ALERT_TYPE[message.severity],
        "priority": "low" if message.severity is Severity.INFO else "normal",
        "aggregation_key": hashlib.sha256(message.thread.encode()).hexdigest(),
        "source_type_name": "headrace",
        "tags": [tag[:_TAG] for tag in (*own, *given)],
    }


def _send(values: Mapping[str, Any], message: Message) -> str:
    key = values["api_key"]
    request = Request(
        "POST",
        values["base_url"].rstrip("/") + "/api/v1/events",
        {"Content-Type": "application/json", "DD-API-KEY": key},
        orjson.dumps(event_of(message, values.get("tags") or "")),
        TIMEOUT_S,
    )
    return post(request, secrets=(key,), judge=_answer)


def _answer(response: Response) -> str:
    answer = response.json()
    event = answer.get("event") if isinstance(answer, dict) else None
    if not isinstance(event, dict) or answer.get("status") != "ok":
        raise InternalError(
            f"The address did not answer as Datadog does: {response.sample()}", hint="Check the API address."
        )
    return str(event.get("id_str") or event.get("id") or "")


DATADOG = ChannelType(
    key="datadog",
    name="Datadog",
    icon="activity",
    about="Posts an event when an alert begins, changes and ends; monitors on events take it from there.",
    duplicates="A repeated event joins those of the same alert: they share an aggregation key.",
    fields=(
        Text(
            name="api_key",
            label="API key",
            secret=True,
            pattern=r"[0-9a-f]{32}",
            pattern_hint="32 digits and letters from a to f",
            help="Organization settings → API keys. An application key is not needed.",
        ),
        Text(
            name="base_url",
            label="API address",
            default="https://api.datadoghq.com",
            help="The one of your site, such as https://api.datadoghq.eu or https://api.us5.datadoghq.com.",
        ),
        Text(
            name="tags",
            label="Tags",
            required=False,
            placeholder="team:growth, env:prod",
            help="Added to each event, beside its workspace, source and phase.",
            max_length=500,
        ),
    ),
    deliver=_send,
    target=lambda config: config["base_url"].removeprefix("https://"),
)
