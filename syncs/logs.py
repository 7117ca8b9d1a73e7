"""Which log tables a sync's runs write into the warehouse."""

from __future__ import annotations

from connectors.choices import LogTable
from syncs.models import Sync


def wanted_tables(sync: Sync) -> tuple[LogTable, ...]:
    """The tables asked for on the sync or for every sync of its source, in their usual order."""
    chosen = {*sync.sync_logs, *sync.model.source.sync_logs}
    return tuple(table for table in LogTable if table.value in chosen)
