"""Whether it is safe to send every row of a sync again, point by point."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.sdk.destination import Mode, Removal, RowSet
from syncs.configuration import definition_of
from syncs.models import Sync

_REPEATABLE = frozenset({Mode.UPSERT, Mode.UPDATE, Mode.ADD, Mode.REMOVE})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing to know before a full resync; ``safe`` where nothing speaks against it."""

    safe: bool
    words: str


def resync_criteria(sync: Sync) -> list[Criterion]:
    """What a full resync of this sync does at its destination, best known before it runs."""
    definition = definition_of(sync.destination)
    mode = definition.sync_type(sync.sync_type).mode(Mode(sync.mode))
    return [
        _mode(mode.mode, mode.rows),
        _removal(Removal(sync.removal)),
        *_destination(definition.safe_to_resync, sync),
    ]


def clears(sync: Sync) -> str:
    """What clear and fill would empty, in words; empty where the destination cannot."""
    return definition_of(sync.destination).sync_type(sync.sync_type).clears


def tracks_removals(sync: Sync) -> bool:
    """Whether removed rows are acted on, so that failed removals are tried again."""
    return sync.removal != Removal.NOTHING.value


def _mode(mode: Mode, rows: RowSet) -> Criterion:
    if rows is RowSet.FULL:
        return Criterion(True, "Every run of this sync sends all rows anyway.")
    if mode in _REPEATABLE:
        return Criterion(True, f"Mode “{mode.value}”: records that exist are found again and updated, not doubled.")
    return Criterion(False, f"Mode “{mode.value}”: rows that were sent before are sent a second time as new ones.")


def _removal(removal: Removal) -> Criterion:
    if removal is Removal.NOTHING:
        return Criterion(True, "Rows that leave the model stay at the destination, so nothing is missed.")
    verb = "deleted" if removal is Removal.DELETE else "cleared"
    return Criterion(
        False,
        f"Rows that left the model since the last run are not {verb}: nothing is compared in a full resync. "
        "Run the sync as usual first.",
    )


def _destination(safe: bool, sync: Sync) -> list[Criterion]:
    if safe:
        return []
    return [Criterion(False, f"{sync.destination} keeps whatever it is sent: sending again may make duplicates.")]
