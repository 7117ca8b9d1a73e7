"""Every write of this app. What people and API keys do goes through audited services;
what a running sync writes about itself is in ``stages`` and ``journal``."""

from syncs.services.alerts import (
    mute_alert,
    set_destination_alerting,
    set_sync_alerting,
    unmute_alert,
)
from syncs.services.cloning import clone_model
from syncs.services.drafts import ModelChange, SyncChange, change_model, change_sync, draft_model, draft_sync
from syncs.services.extraction import change_extraction, extract_now
from syncs.services.holds import drop_run, release_run
from syncs.services.logs import change_sync_logs, write_logs_again
from syncs.services.models import (
    change_column,
    change_primary_key,
    create_model,
    delete_model,
    preview_definition,
    preview_model,
    refresh_columns,
    update_model,
)
from syncs.services.organizing import label_model, label_sequence, label_sync, move_model, move_sync, move_sync_to_space
from syncs.services.previews import cancel_preview, start_preview
from syncs.services.restoring import restore_model, restore_sync
from syncs.services.runs import cancel_run, record_export, retry_rows, start_run
from syncs.services.schedules import (
    disable_schedule,
    enable_schedule,
    pause_sync,
    resume_sync,
    set_schedule,
)
from syncs.services.sequences import (
    StepProposal,
    cancel_sequence_run,
    create_sequence,
    delete_sequence,
    disable_sequence,
    enable_sequence,
    set_sequence_schedule,
    start_sequence,
    update_sequence,
)
from syncs.services.storage import (
    check_storage,
    choose_storage,
    manage_storage,
    record_storage_check,
    save_storage,
    unlock_storage,
)
from syncs.services.syncs import create_sync, delete_sync, reset_sync, set_guardrails, update_sync
from syncs.services.trying import rows_to_try, send_test_row

__all__ = [
    "ModelChange",
    "StepProposal",
    "SyncChange",
    "cancel_preview",
    "cancel_run",
    "cancel_sequence_run",
    "change_column",
    "change_extraction",
    "change_model",
    "change_primary_key",
    "change_sync",
    "change_sync_logs",
    "check_storage",
    "choose_storage",
    "clone_model",
    "create_model",
    "create_sequence",
    "create_sync",
    "delete_model",
    "delete_sequence",
    "delete_sync",
    "disable_schedule",
    "disable_sequence",
    "draft_model",
    "draft_sync",
    "drop_run",
    "enable_schedule",
    "enable_sequence",
    "extract_now",
    "label_model",
    "label_sequence",
    "label_sync",
    "manage_storage",
    "move_model",
    "move_sync",
    "move_sync_to_space",
    "mute_alert",
    "pause_sync",
    "preview_definition",
    "preview_model",
    "record_export",
    "record_storage_check",
    "refresh_columns",
    "release_run",
    "reset_sync",
    "restore_model",
    "restore_sync",
    "resume_sync",
    "retry_rows",
    "rows_to_try",
    "save_storage",
    "send_test_row",
    "set_destination_alerting",
    "set_guardrails",
    "set_schedule",
    "set_sequence_schedule",
    "set_sync_alerting",
    "start_preview",
    "start_run",
    "start_sequence",
    "unlock_storage",
    "unmute_alert",
    "update_model",
    "update_sequence",
    "update_sync",
    "write_logs_again",
]
