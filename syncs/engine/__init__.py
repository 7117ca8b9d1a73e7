"""The sync engine: plan → query → diff → map → deliver → settle. No Django, no database.

The house calls these, in this order, with frozen values from :mod:`syncs.engine.spec`:

``prepare(spec, source, storage, baseline, *, workdir, memory_mb, threads, progress, check_cancel, attempt="")``
    Query the model, compare with the baseline, write the change set → ``Prepared``.
``next_parts(prepared, finished)``
    The parts that may start now: removals are delivered before changes, changes before additions.
``await deliver_part(spec, job, destination, part, storage, journal, control, limiter, limits, traces, ...)``
    Send one part batch by batch → ``PartOutcome``; call again after a kill.
``await write_run(spec, job, destination, prepared, storage, control, limits, traces, ...)``
    The same for ``single_writer`` types: the whole run in one go → one ``PartOutcome`` a part.
    Called where ``writes_whole_run(spec, baseline)``, also for a run without rows.
``settle(spec, prepared, outcomes, baseline, storage, *, workdir, memory_mb, threads, attempt="", source=None)``
    Work out the new baseline → ``Settled``. Then move the pointer, then delete ``superseded(old, new)``
    and, with the warehouse planner, ``retire(spec, source, new)`` tables.
``find_rows(spec, source, key=…)``, ``send_row(spec, job, destination, row, operation, …)``
    Try a sync out with one row; nothing is remembered.

``spec.planner`` says whether a run is compared here or in its source (:mod:`syncs.engine.warehouse`);
everything between ``prepare`` and ``settle`` is the same for both.

``expire_run(storage, directory, baseline)``
    Delete a run's rows and requests after their retention, except files the baseline still names.

``drop_tables(source, namespace, sync_id)``
    The same in the warehouse, for a sync that was deleted.

``RunLog(storage, spec, prepared, outcomes)`` reads a run's rows for the debugger,
``batch_exchanges`` and ``search_exchanges`` its requests; ``explain(make_plan(...))`` says what a run will do.

``attempt`` (the lease epoch) keeps the files of a worker that lost its lease apart
from those of its successor. Names load on first use, so that importing the
package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncs.engine.deliver import deliver_part
    from syncs.engine.errors import Cancelled, DestinationStopped, EngineError, LeaseLost, UnknownColumn
    from syncs.engine.exchanges import batch_exchanges, one_exchange, search_exchanges
    from syncs.engine.limiter import MemoryLimiter, Unlimited
    from syncs.engine.onerow import find_rows, row_values, send_row
    from syncs.engine.plan import Plan, explain, make_plan
    from syncs.engine.preparation import next_parts, prepare
    from syncs.engine.rules import operations_sent, writes_whole_run
    from syncs.engine.runlog import RunLog
    from syncs.engine.settlement import drop_tables, expire_run, retire, settle, superseded
    from syncs.engine.shared_limiter import SharedLimiter
    from syncs.engine.storage import Storage
    from syncs.engine.traces import TraceLimits, TraceWriter, trace_limits
    from syncs.engine.write import write_run

_HOMES = {
    "StorageFailed": "errors",
    "find_sent": "persons",
    "find_requests": "persons",
    "find_held": "persons",
    "erase_from_run": "erasing",
    "erase_from_baseline": "erasing",
    "Cancelled": "errors",
    "DestinationStopped": "errors",
    "EngineError": "errors",
    "LeaseLost": "errors",
    "MemoryLimiter": "limiter",
    "Plan": "plan",
    "RunLog": "runlog",
    "SharedLimiter": "shared_limiter",
    "Storage": "storage",
    "TraceLimits": "traces",
    "TraceWriter": "traces",
    "UnknownColumn": "errors",
    "Unlimited": "limiter",
    "batch_exchanges": "exchanges",
    "deliver_part": "deliver",
    "drop_tables": "settlement",
    "expire_run": "settlement",
    "explain": "plan",
    "find_rows": "onerow",
    "make_plan": "plan",
    "next_parts": "preparation",
    "operations_sent": "rules",
    "one_exchange": "exchanges",
    "prepare": "preparation",
    "retire": "settlement",
    "row_values": "onerow",
    "search_exchanges": "exchanges",
    "send_row": "onerow",
    "settle": "settlement",
    "superseded": "settlement",
    "trace_limits": "traces",
    "write_run": "write",
    "writes_whole_run": "rules",
}

__all__ = [
    "Cancelled",
    "DestinationStopped",
    "EngineError",
    "LeaseLost",
    "MemoryLimiter",
    "Plan",
    "RunLog",
    "SharedLimiter",
    "Storage",
    "StorageFailed",
    "TraceLimits",
    "TraceWriter",
    "UnknownColumn",
    "Unlimited",
    "batch_exchanges",
    "deliver_part",
    "drop_tables",
    "erase_from_baseline",
    "erase_from_run",
    "expire_run",
    "explain",
    "find_held",
    "find_requests",
    "find_rows",
    "find_sent",
    "make_plan",
    "next_parts",
    "one_exchange",
    "operations_sent",
    "prepare",
    "retire",
    "row_values",
    "search_exchanges",
    "send_row",
    "settle",
    "superseded",
    "trace_limits",
    "write_run",
    "writes_whole_run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"syncs.engine.{_HOMES[name]}"), name)
