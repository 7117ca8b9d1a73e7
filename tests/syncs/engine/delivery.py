"""One part on its way, for the tests of how it is delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from connectors.sdk.destination import Limits
from syncs.engine.deliver import deliver_part
from syncs.engine.limiter import Unlimited
from syncs.engine.memory import MemoryJournal
from syncs.engine.preparation import prepare
from syncs.engine.spec import PartOutcome, Prepared
from tests.syncs.engine.support import (
    CancelAfter,
    FakeTime,
    House,
    TableSource,
    make_job,
    make_spec,
    run_async,
    table,
)


@dataclass
class Delivery:
    """A part ready to be delivered, as often as a test likes."""

    house: House
    prepared: Prepared
    changes: dict[str, Any]
    time: FakeTime
    journal: MemoryJournal
    limiter: Unlimited

    def __call__(self, control: Any = None, limits: Limits | None = None, **options: Any) -> PartOutcome:
        spec = make_spec(**self.changes)
        return run_async(
            deliver_part(
                spec,
                make_job(spec),
                self.house.destination,
                self.prepared.parts[0],
                self.house.storage,
                self.journal,
                control or CancelAfter(),
                self.limiter,
                limits or Limits(batch_rows=2, attempts=3),
                clock=self.time.clock,
                **options,
            )
        )

    def rows(self, outcome: PartOutcome) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pq.read_table(self.house.storage.local(outcome.path)).to_pylist()
        return found


def ready(house: House, rows: int = 6, **changes: Any) -> Delivery:
    prepared = prepare(
        make_spec(**changes),
        TableSource(table([(n, f"v{n}") for n in range(rows)])),
        house.storage,
        None,
        workdir=house.folder / "work",
        memory_mb=128,
        threads=1,
    )
    time = FakeTime()
    return Delivery(house, prepared, changes, time, MemoryJournal(), Unlimited(time.clock))


def statuses(delivery: Delivery, outcome: PartOutcome) -> list[str]:
    return [row["status"] for row in delivery.rows(outcome)]
