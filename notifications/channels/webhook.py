"""A JSON document to any address, signed as the Standard Webhooks specification says (see ``signing.py``).

``webhook-id`` is the same for every attempt: whoever remembers it handles each message once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import KeyValues, Text
from connectors.sdk.net import Request, merged
from connectors.sdk.net.client import parse_url
from notifications.channels.base import TIMEOUT_S, ChannelType, post
from notifications.message import Message
from notifications.signing import signature_headers


def body_of(message: Message) -> dict[str, Any]:
    """What is posted; documented in ``docs/concepts/alerts.md``."""
    data = message.to_json()
    return {
        "id": data.pop("id"),
        "type": f"alert.{message.phase}",
        "timestamp": data.pop("at"),
        "data": {**data, "facts": dict(message.facts)},
    }


def _send(values: Mapping[str, Any], message: Message) -> str:
    secret, body, now = values["signing_secret"], orjson.dumps(body_of(message)), int(time.time())
    own = {row["name"]: row["value"] for row in values.get("headers") or ()}
    headers = merged(
        own,
        {
            "Content-Type": "application/json",
            **signature_headers([secret], message.id, now, body),
        },
    )
    request = Request("POST", values["endpoint"], headers, body, TIMEOUT_S)
    return post(request, secrets=(secret, *own.values()), judge=lambda response: "")


def _target(config: Mapping[str, Any]) -> str:
    try:
        return parse_url(config["endpoint"]).authority
    except ConfigError as error:
        raise ConfigError(error.message, field="endpoint", hint=error.hint) from None


WEBHOOK = ChannelType(
    key="webhook",
    name="Webhook",
    icon="webhook",
    about="A signed JSON document to an address of yours.",
    duplicates="Each message has an id that stays the same, so the receiver can ignore a copy.",
    fields=(
        Text(
            name="endpoint",
            label="Address",
            pattern=r"https?://\S+",
            pattern_hint="an address that begins with https://",
            placeholder="https://hooks.example.com/headrace",
        ),
        Text(
            name="signing_secret",
            label="Signing secret",
            secret=True,
            pattern=r"\S{24,200}",
            pattern_hint="at least 24 characters without spaces",
            help="Signs each request (Standard Webhooks). A value that begins with whsec_ is read as base 64.",
        ),
        KeyValues(name="headers", label="Headers", secret_rows=True, help="Sent along, such as Authorization."),
    ),
    deliver=_send,
    target=_target,
)
