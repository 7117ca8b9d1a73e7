"""A JSON document to any address, signed as the Standard Webhooks specification says.

Receivers check it with any of that specification's libraries, or like this::

    expected = base64(hmac_sha256(secret, f"{webhook-id}.{webhook-timestamp}.{body}"))
    "v1," + expected  in  webhook-signature

``webhook-id`` is the same for every attempt: whoever remembers it handles each message once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
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

PREFIX = "whsec_"


def body_of(message: Message) -> dict[str, Any]:
    """What is posted; documented in ``docs/concepts/alerts.md``."""
    data = message.to_json()
    return {
        "id": data.pop("id"),
        "type": f"alert.{message.phase}",
        "timestamp": data.pop("at"),
        "data": {**data, "facts": dict(message.facts)},
    }


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature header of a body: ``v1,`` and the HMAC-SHA256 in base 64."""
    signing = hmac.new(key_of(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signing.digest()).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign: base 64 after ``whsec_``, else the text itself."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError(f"What follows {PREFIX} is not base 64.", field="signing_secret") from None


def _send(values: Mapping[str, Any], message: Message) -> str:
    secret, body, now = values["signing_secret"], orjson.dumps(body_of(message)), int(time.time())
    own = {row["name"]: row["value"] for row in values.get("headers") or ()}
    headers = merged(
        own,
        {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signed(secret, message.id, now, body),
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
