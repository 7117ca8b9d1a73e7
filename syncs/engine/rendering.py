"""The first requests that a run would send, made and not sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connectors.sdk.destination import Destination, Job
from connectors.sdk.errors import ConnectorError
from connectors.sdk.trace import Exchange, recording, withholding
from syncs.engine.feed import Outgoing, outgoing
from syncs.engine.mapping import compile_mapping
from syncs.engine.spec import Part, Prepared, RunSpec
from syncs.engine.storage import Storage


def first_requests(
    spec: RunSpec, job: Job, destination: Destination, prepared: Prepared, storage: Storage
) -> Sequence[Exchange]:
    """One request of each operation, in the order of sending; none where the destination cannot show them."""
    if spec.single_writer or not destination.shows_requests(job):
        return ()
    parts = {part.operations[0][0]: part for part in reversed(prepared.parts)}
    ordered = sorted(parts.values(), key=lambda part: part.number)
    return [exchange for part in ordered for exchange in asyncio.run(_first(spec, job, destination, part, storage))]


async def _first(spec: RunSpec, job: Job, destination: Destination, part: Part, storage: Storage) -> Sequence[Exchange]:
    limits = destination.limits(job, part.operations[0][0])
    batches = outgoing(storage, part, compile_mapping(spec), limits, (), destination.encoder(job))
    batch: Outgoing | None = next((b for b in batches if len(b.mapped.batch)), None)
    if batch is None:
        return ()
    with withholding(), recording() as exchanges:
        try:
            async with destination.session(job) as session:
                await session.deliver(batch.mapped.batch)
        except ConnectorError:
            pass  # each request ends so: it was not sent
    return exchanges[:1]
