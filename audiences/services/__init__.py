"""Every write of this app. What people and API keys do goes through audited services; what a worker finds out
about values is in ``looks``."""

from audiences.services.column_settings import ColumnSettings, change_columns
from audiences.services.looks import look_at_values
from audiences.services.models import (
    Settings,
    archive_schema_model,
    create_schema_model,
    delete_schema_model,
    label_schema_model,
    refresh_schema_columns,
    restore_schema_model,
    update_schema_model,
)
from audiences.services.previews import preview_definition, preview_schema_model
from audiences.services.relationships import (
    Tie,
    create_relationship,
    create_through,
    delete_relationship,
    update_relationship,
)

__all__ = [
    "ColumnSettings",
    "Settings",
    "Tie",
    "archive_schema_model",
    "change_columns",
    "create_relationship",
    "create_schema_model",
    "create_through",
    "delete_relationship",
    "delete_schema_model",
    "label_schema_model",
    "look_at_values",
    "preview_definition",
    "preview_schema_model",
    "refresh_schema_columns",
    "restore_schema_model",
    "update_relationship",
    "update_schema_model",
]
