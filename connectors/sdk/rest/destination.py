"""The destination that connectors of web services extend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, ClassVar

from connectors.sdk.destination import Batch, Destination, Job
from connectors.sdk.errors import InternalError
from connectors.sdk.net import Client, Consent
from connectors.sdk.rest.api import Api, Line
from connectors.sdk.rest.places import Place
from connectors.sdk.rest.work import Results, Work

Writer = Callable[[Work], Awaitable[Results]]


class RestDestination(Destination):
    """A web service: an :class:`Api`, and by sync type a writer and perhaps a place that rows go into."""

    api: ClassVar[Api]
    writers: ClassVar[Mapping[str, Writer]]
    places: ClassVar[Mapping[str, Place]] = {}

    async def check(self) -> None:
        """One request that only signed-in callers may make."""
        async with self.line() as line:
            await line.send(*self.api.test)

    def consent(self) -> Consent | None:
        def client() -> Client:
            return Client(self.environment, secrets=self.api.sign_in.secrets(self.config))

        return self.api.sign_in.consent(self.config, client)

    def line(self, connections: int = 1, timeout_s: float = 30.0) -> AbstractAsyncContextManager[Line]:
        """A line of its own to the service, for a lookup or a part of a run."""
        return self.api.open(self.config, self.environment, connections=connections, timeout_s=timeout_s)

    def lacks(self, job: Job) -> bool:
        place = self.places.get(job.sync_type)
        return place is not None and not place.id_for(job)

    async def provide(self, job: Job) -> Mapping[str, str]:
        async with self.line() as line:
            with as_documented():
                return await self.places[job.sync_type].provide(line, job)

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[RestSession]:
        limits = self.limits(job)
        place = self.places.get(job.sync_type)
        async with self.line(limits.concurrency, timeout_s=limits.timeout_s) as line:
            yield RestSession(line, job, self.writers[job.sync_type], place.id_for(job) if place else "")


class RestSession:
    """One part's line to the service."""

    def __init__(self, line: Line, job: Job, write: Writer, place: str) -> None:
        self._line = line
        self._job = job
        self._write = write
        self._place = place
        self._memo: dict[str, Any] = {}

    async def deliver(self, batch: Batch) -> Results:
        """What the writer makes of the batch."""
        with as_documented():
            return await self._write(Work(self._line, self._job, batch, self._place, self._memo))


@contextmanager
def as_documented() -> Iterator[None]:
    """Inside, an answer without what the documentation promises is an error of the service, not of Python."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InternalError(
            f"The answer is not what the service documents ({type(error).__name__}: {str(error)[:200]}).",
            hint="What was said is in the debugger. If the service is as documented, please report this.",
        ) from error
