"""What queues, streams and buses of AWS share: an account, and errors in the service's words."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from connectors.sdk.aws import Account, refusal, typed_errors
from connectors.sdk.destination import ACCEPTED, Job, RowResult, rejected
from connectors.sdk.errors import ConnectorError
from connectors.sdk.messages import Message, MessageDestination, Publish
from connectors.sdk.types import Choice


class AwsMessages(MessageDestination):
    """One service of an account. ``rights``: what the key needs; ``gone``: codes for a target that is not there."""

    service: ClassVar[str]
    rights: ClassVar[str]
    gone: ClassVar[Mapping[str, str]]

    async def check(self) -> None:
        """List what there is to send to."""
        await self.targets()

    @abstractmethod
    async def targets(self) -> Sequence[Choice]:
        """What messages can be sent to, for the picker."""

    @abstractmethod
    async def publish(self, client: Any, messages: Sequence[Message], job: Job) -> Sequence[RowResult]:
        """Send messages of a batch; an answer for each."""

    @asynccontextmanager
    async def publishing(self, job: Job) -> AsyncIterator[Publish]:
        async with self.client(self.limits(job).timeout_s) as client:

            async def publish(messages: Sequence[Message]) -> Sequence[RowResult]:
                return await self.publish(client, messages, job)

            yield publish

    @asynccontextmanager
    async def client(self, read_s: float = 30.0) -> AsyncIterator[Any]:
        """A client of the service; its errors are typed."""
        with typed_errors(self._refused):
            async with Account(self.config, self.environment).client(self.service, read_s=read_s) as client:
                yield client

    async def told(self, call: Any) -> Any:
        """The answer to a call; its error is typed."""
        with typed_errors(self._refused):
            return await call

    def _refused(self, error: ClientError) -> ConnectorError:
        return refusal(error, self.rights, gone=self.gone)


def by_entry(entries: Sequence[Mapping[str, Any]]) -> list[RowResult]:
    """An answer for every entry, in the order they were sent: taken, or refused with words and code."""
    return [
        rejected(e.get("ErrorMessage") or e["ErrorCode"], code=e["ErrorCode"]) if e.get("ErrorCode") else ACCEPTED
        for e in entries
    ]


def choices(names: Iterable[str], label: Callable[[str], str] = str) -> list[Choice]:
    """A picker's entries, by name."""
    return sorted((Choice(name, label(name)) for name in names), key=lambda c: c.label)
