"""Reading JSON from a service's API through the guarded client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from connectors.access import environment
from connectors.sdk.errors import InternalError
from connectors.sdk.net import Client, Request

TIMEOUT_S = 20.0
T = TypeVar("T")
Read = Callable[..., Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Job:
    """A job that can be waited for. ``id`` has no blanks."""

    id: str
    name: str


def calling(base: str, headers: Mapping[str, str], secret: str, work: Callable[[Read], Awaitable[T]]) -> T:
    """Do ``work`` with a function that reads a path of the API, with what to ask for as its named values."""

    async def exchange() -> T:
        async with Client(environment(), secrets=[secret], connections=4) as client:

            async def read(path: str, **query: Any) -> dict[str, Any]:
                asked = f"?{urlencode(query)}" if query else ""
                request = Request("GET", f"{base}{path}{asked}", dict(headers), b"", TIMEOUT_S)
                response = await client.send(request)
                if error := client.error_for(response):
                    raise error
                found = response.json()
                if not isinstance(found, dict):
                    raise InternalError(f"The address did not answer as expected: {response.sample()}")
                return found

            return await work(read)

    return asyncio.run(exchange())
