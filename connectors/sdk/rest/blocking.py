"""An open line for code that blocks: sources read through it, each from a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from connectors.sdk.context import Environment
from connectors.sdk.net.doors import run
from connectors.sdk.rest.api import Api, Line
from connectors.sdk.rest.sign_in import Config


@contextmanager
def opened(
    api: Api, config: Config, environment: Environment, *, connections: int = 4, timeout_s: float = 60.0
) -> Iterator[Line]:
    """A line whose requests are made with :func:`~connectors.sdk.net.doors.run`."""
    stack = AsyncExitStack()
    line = run(stack.enter_async_context(api.open(config, environment, connections=connections, timeout_s=timeout_s)))
    try:
        yield line
    finally:
        run(stack.aclose())
