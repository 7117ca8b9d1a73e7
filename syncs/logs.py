"""Which log tables a sync's runs write into the warehouse, and under which name."""

from __future__ import annotations

from connectors.choices import LogTable
from connectors.sdk.planner import namespace
from syncs.models import Sync
from workspaces.models import Workspace


def wanted_tables(sync: Sync) -> tuple[LogTable, ...]:
    """The tables asked for on the sync or for every sync of its source, in their usual order."""
    chosen = {*sync.sync_logs, *sync.model.source.sync_logs}
    return tuple(table for table in LogTable if table.value in chosen)


def workspace_code(workspace: Workspace) -> str:
    """What tells this workspace's entries from those of others that share the warehouse, for good."""
    return namespace(workspace.pk, workspace.created_at.isoformat())
