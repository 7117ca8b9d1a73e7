"""What a deployment copies, field by field: the one table, which a test holds to cover every column."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Copy(StrEnum):
    """What becomes of one field in the other workspace."""

    COPIED = "copied each time"
    FIRST = "copied when first deployed"
    MAPPED = "stands for its counterpart there"
    REMAPPED = "copied; values that name things at the connection are checked and remapped there"
    SCHEDULE = "copied where the person asks for the schedule"
    ENTERED = "never copied; entered there once"
    OWN = "each workspace's own"


MODEL: Mapping[str, Copy] = {
    "id": Copy.OWN,
    "workspace": Copy.OWN,
    "folder": Copy.OWN,
    "labels": Copy.OWN,
    "source": Copy.MAPPED,
    "name": Copy.COPIED,
    "slug": Copy.FIRST,
    "description": Copy.COPIED,
    "method": Copy.COPIED,
    "sql": Copy.COPIED,
    "table_schema": Copy.COPIED,
    "table_name": Copy.COPIED,
    "primary_key": Copy.COPIED,
    "parent_model_id": Copy.OWN,
    "revision": Copy.OWN,
    "published": Copy.OWN,
    "columns_refreshed_at": Copy.OWN,
    "created_by": Copy.OWN,
    "created_at": Copy.OWN,
    "updated_at": Copy.OWN,
}
COLUMN: Mapping[str, Copy] = {
    "id": Copy.OWN,
    "workspace": Copy.OWN,
    "model": Copy.MAPPED,
    "name": Copy.OWN,
    "position": Copy.OWN,
    "type": Copy.OWN,
    "native_type": Copy.OWN,
    "override_type": Copy.COPIED,
    "description": Copy.COPIED,
    "description_edited": Copy.COPIED,
    "enabled": Copy.COPIED,
    "missing": Copy.OWN,
}
SYNC: Mapping[str, Copy] = {
    "id": Copy.OWN,
    "workspace": Copy.OWN,
    "space": Copy.OWN,
    "labels": Copy.OWN,
    "model": Copy.MAPPED,
    "destination": Copy.MAPPED,
    "slug": Copy.FIRST,
    "name": Copy.COPIED,
    "sync_type": Copy.COPIED,
    "mode": Copy.COPIED,
    "removal": Copy.COPIED,
    "first_run": Copy.COPIED,
    "settings": Copy.REMAPPED,
    "sealed_settings": Copy.ENTERED,
    "mappings": Copy.COPIED,
    "guardrails": Copy.COPIED,
    "schedule_kind": Copy.SCHEDULE,
    "interval_count": Copy.SCHEDULE,
    "interval_unit": Copy.SCHEDULE,
    "cron": Copy.SCHEDULE,
    "recurrences": Copy.SCHEDULE,
    "zone": Copy.SCHEDULE,
    "after": Copy.OWN,
    "after_seen": Copy.OWN,
    "starts_at": Copy.SCHEDULE,
    "ends_at": Copy.SCHEDULE,
    "schedule_enabled": Copy.OWN,
    "next_run_at": Copy.OWN,
    "paused": Copy.OWN,
    "pending_reset": Copy.OWN,
    "pending_reprocess": Copy.OWN,
    "baseline": Copy.OWN,
    "kept": Copy.OWN,
    "erasing_for": Copy.OWN,
    "last_run": Copy.OWN,
    "runs_started": Copy.OWN,
    "sync_logs": Copy.OWN,
    "revision": Copy.OWN,
    "published": Copy.OWN,
    "created_by": Copy.OWN,
    "created_at": Copy.OWN,
    "updated_at": Copy.OWN,
}


def fields_with(table: Mapping[str, Copy], *kinds: Copy) -> tuple[str, ...]:
    """The fields of a table that are treated so."""
    return tuple(name for name, copy in table.items() if copy in kinds)
