"""What each mode does with the differences a run finds."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.sdk.destination import FirstRun, Mode, Removal, RowSet
from connectors.sdk.types import Operation
from syncs.engine.duck import literal
from syncs.engine.spec import Baseline, RunSpec

_EVERYTHING = frozenset(Operation)
_ADDITIONS_ONLY = frozenset({Mode.INSERT, Mode.ADD, Mode.REMOVE, Mode.ARCHIVE, Mode.ALL, Mode.SNAPSHOT})
_REMOVALS_ALWAYS = frozenset({Mode.DIFF, Mode.CUSTOM})


@dataclass(frozen=True, slots=True)
class Rules:
    """How one run treats its rows.

    ``silent``: rows are remembered and nothing is sent. ``everything``: every row
    is sent as added, without comparing. ``delivered``: the operations that are sent.
    """

    silent: bool
    everything: bool
    delivered: frozenset[Operation]

    def wanted_sql(self, operation: str) -> str:
        """The SQL condition under which a difference is delivered."""
        return f"{operation} IN ({_listed(self.delivered)})" if self.delivered else "false"


def rules_of(spec: RunSpec, baseline: Baseline | None) -> Rules:
    """The rules of a run: its mode, its removals, and whether there is anything to compare with.

    Update mode acts on records that exist at the destination, which only the
    destination knows: it is told of added rows too, and creates nothing. Without
    that, a row that comes back into the model would keep its record stale.
    """
    first = baseline is None
    silent = spec.reset or (first and spec.first_run is FirstRun.SKIP and spec.rows is not RowSet.FULL)
    everything = first or spec.resync or spec.rows is RowSet.FULL
    delivered = spec.wanted & _deliverable(spec)
    if everything:
        return Rules(silent=silent, everything=True, delivered=delivered & {Operation.ADDED})
    return Rules(silent=silent, everything=False, delivered=delivered)


def writes_whole_run(spec: RunSpec, baseline: Baseline | None) -> bool:
    """Whether one writer is handed the whole run, also where it has no rows: an empty result replaces a full one."""
    rules = rules_of(spec, baseline)
    return spec.single_writer and not rules.silent and bool(rules.delivered)


def operations_sent(spec: RunSpec) -> frozenset[Operation]:
    """The operations that runs of this sync send, first runs aside."""
    return spec.wanted & _deliverable(spec)


def _deliverable(spec: RunSpec) -> frozenset[Operation]:
    if spec.rows in (RowSet.ADDED, RowSet.FULL):
        return frozenset({Operation.ADDED})
    if spec.rows is RowSet.FILES or spec.mode in _REMOVALS_ALWAYS:
        return _EVERYTHING
    additions_only = spec.mode in _ADDITIONS_ONLY and not spec.follows
    changes = {Operation.ADDED} if additions_only else {Operation.ADDED, Operation.CHANGED}
    return frozenset(changes | ({Operation.REMOVED} if spec.removal is not Removal.NOTHING else set()))


def _listed(operations: frozenset[Operation]) -> str:
    return ", ".join(literal(operation.value) for operation in sorted(operations))
