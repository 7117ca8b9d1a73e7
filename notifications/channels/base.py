"""What a kind of channel declares, and how its HTTP requests leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.access import environment
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field
from connectors.sdk.net import Client, Request, Response
from notifications.message import Message

TIMEOUT_S = 15.0

# Sends a message with a channel's whole settings (credentials included) and returns what the other side
# calls it, or nothing. Raises ConnectorError: Unavailable is tried again, everything else needs a person.
Deliver = Callable[[Mapping[str, Any], Message], str]
Judge = Callable[[Response], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelType:
    """One kind of channel. ``about`` completes the card on the page that adds one; ``duplicates`` says what
    happens to a message whose confirmation is lost, and is shown there too. ``target`` puts in a few words
    where messages go, without secrets."""

    key: str
    name: str
    icon: str
    about: str
    duplicates: str
    fields: tuple[Field, ...]
    deliver: Deliver
    target: Callable[[Mapping[str, Any]], str]


def post(request: Request, *, secrets: tuple[str, ...], judge: Judge) -> str:
    """Send one request through the guarded client; ``judge`` reads the answer of any status."""

    async def exchange() -> str:
        async with Client(environment(), secrets=[s for s in secrets if s], connections=1) as client:
            response = await client.send(request)
            if error := client.error_for(response, {400: _refused, 422: _refused}):
                raise error
            return judge(response)

    return asyncio.run(exchange())


def _refused(response: Response, message: str) -> ConfigError:
    return ConfigError(message, hint="Check the channel's settings, then send a test message.")
