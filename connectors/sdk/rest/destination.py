"""The destination that connectors of web services extend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa

from connectors.sdk.destination import Batch, Destination, Job, Limits, Session
from connectors.sdk.errors import ConnectorError, InternalError
from connectors.sdk.net import Client, Consent
from connectors.sdk.rest.api import Api, Line
from connectors.sdk.rest.places import Place
from connectors.sdk.rest.work import Read, Results, Work
from connectors.sdk.types import Operation

_NOTHING = Batch(Operation.ADDED, (), pa.RecordBatch.from_pylist([]))
Writer = Callable[[Work], Awaitable[Results]]


class RestDestination(Destination):
    """A web service: an :class:`Api`, and by sync type a writer and perhaps a place that rows go into."""

    api: ClassVar[Api]
    writers: ClassVar[Mapping[str, Writer]]
    places: ClassVar[Mapping[str, Place]] = {}

    async def check(self) -> None:
        """One request that only signed-in callers may make."""
        assert self.api.test is not None, f"{self.definition.key} says neither what to test nor how"
        async with self.line() as line:
            await line.send(*self.api.test)

    def consent(self) -> Consent | None:
        def client() -> Client:
            return Client(self.environment, secrets=self.api.sign_in.secrets(self.config))

        return self.api.sign_in.consent(self.config, client)

    def line(self, connections: int = 1, timeout_s: float = 30.0) -> AbstractAsyncContextManager[Line]:
        """A line of its own to the service, for a lookup or a part of a run."""
        secrets = [str(self.config[f.name]) for f in self.definition.fields if f.secret and self.config.get(f.name)]
        return self.api.open(
            self.config, self.environment, secrets=secrets, connections=connections, timeout_s=timeout_s
        )

    def encoder(self, job: Job) -> Callable[[Batch], Read | None]:
        return Read.of

    def lacks(self, job: Job) -> bool:
        place = self.places.get(job.sync_type)
        return place is not None and not place.id_for(job)

    def audience_of(self, job: Job) -> str:
        place = self.places.get(job.sync_type)
        return place.id_for(job) if place else ""

    async def provide(self, job: Job) -> Mapping[str, str]:
        async with self.line() as line:
            with as_documented():
                return await self.places[job.sync_type].provide(line, job)

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        """The sync type's; the setting :func:`~connectors.sdk.fields.batch_rows` makes batches smaller."""
        limits = super().limits(job, operation)
        chosen = job.settings.get("batch_rows")
        return replace(limits, batch_rows=min(int(chosen), limits.batch_rows)) if chosen else limits

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[Session]:
        limits = self.limits(job)
        place = self.places.get(job.sync_type)
        async with self.line(limits.concurrency, timeout_s=limits.timeout_s) as line:
            work = Work(line, job, _NOTHING, place.id_for(job) if place else "", self.config)
            yield RestSession(work, self.writers[job.sync_type])


class RestSession:
    """One part's line to the service."""

    def __init__(self, work: Work, write: Writer) -> None:
        self._work = work
        self._write = write

    async def deliver(self, batch: Batch) -> Results:
        """What the writer makes of the batch; what the service said is shown without secrets."""
        line = self._work.line
        try:
            with as_documented():
                results = await self._write(replace(self._work, batch=batch))
        except ConnectorError as error:
            raise line.cleaned(error) from error.__cause__
        return _without_secrets(results, line)


def _without_secrets(results: Results, line: Line) -> Results:
    """The results, told without secrets; most rows share their words with many others."""
    words = {result.message for result in results}
    told = {message: line.without_secrets(message) for message in words if message}
    if all(message == clean for message, clean in told.items()):
        return results
    return [replace(r, message=told[r.message]) if r.message else r for r in results]


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
