"""Every write to sources and destinations."""

from __future__ import annotations

from connectors.services.connections import (
    MAX_NAME,
    check_destination,
    check_source,
    create_destination,
    create_source,
    delete_destination,
    delete_source,
    finish_destination,
    finish_source,
    record_destination_check,
    record_source_check,
    refresh_schema,
    refresh_table,
    rename_destination,
    rename_source,
    rights_to_use,
    rotate_credentials,
    store_schema,
    store_table,
    update_destination,
    update_source,
)
from connectors.services.planner import choose_planner, record_write_check

__all__ = [
    "MAX_NAME",
    "check_destination",
    "check_source",
    "choose_planner",
    "create_destination",
    "create_source",
    "delete_destination",
    "delete_source",
    "finish_destination",
    "finish_source",
    "record_destination_check",
    "record_source_check",
    "record_write_check",
    "refresh_schema",
    "refresh_table",
    "rename_destination",
    "rename_source",
    "rights_to_use",
    "rotate_credentials",
    "store_schema",
    "store_table",
    "update_destination",
    "update_source",
]
