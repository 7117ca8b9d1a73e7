"""Messages by way of a web service."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import ClassVar

from connectors.sdk.destination import Job
from connectors.sdk.errors import ConnectorError
from connectors.sdk.notifier.destination import NotifierDestination, Outgoing
from connectors.sdk.rest.api import Line
from connectors.sdk.rest.destination import RestDestination, as_documented


class ChatDestination(NotifierDestination[Line], RestDestination):
    """A web service that takes messages: its :class:`~connectors.sdk.rest.Api`, and how one message is said."""

    writers: ClassVar = {}

    @abstractmethod
    async def say(self, line: Line, message: Outgoing) -> None:
        """Send one message."""

    def opened(self, job: Job) -> AbstractAsyncContextManager[Line]:
        limits = self.limits(job)
        return self.line(limits.concurrency, timeout_s=limits.timeout_s)

    async def find_user(self, line: Line, email: str) -> str | None:
        """How the service names the user with this address; nothing where there is none."""
        return None

    async def post(self, line: Line, message: Outgoing) -> None:
        with _documented(line):
            await self.say(line, message)

    async def mention(self, line: Line, email: str) -> str:
        with _documented(line):
            return await self.find_user(line, email) or email


@contextmanager
def _documented(line: Line) -> Iterator[None]:
    try:
        with as_documented():
            yield
    except ConnectorError as error:
        raise line.cleaned(error) from error.__cause__
