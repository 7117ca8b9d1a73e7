"""Addresses of the REST endpoints of models, syncs, sequences and runs, below ``/api/v1/``."""

from django.urls import path

from syncs.api import (
    alerts,
    debugging,
    extraction,
    holds,
    lifecycle,
    logs,
    matches,
    models,
    previews,
    sequences,
    storage,
    syncs,
    trying,
    versions,
)

RUN = "syncs/<api_id:sync_id>/runs/<api_id:run_id>"

urlpatterns = [
    path("storage", storage.StorageView.as_view(), name="storage"),
    path("storage/check", storage.CheckStorageView.as_view(), name="storage_check"),
    path("models", models.ModelListView.as_view(), name="models"),
    path("models/<api_id:model_id>", models.ModelView.as_view(), name="model"),
    path("models/<api_id:model_id>/versions", versions.ModelVersionsView.as_view(), name="model_versions"),
    path(
        "models/<api_id:model_id>/versions/<api_id:version_id>",
        versions.ModelVersionView.as_view(),
        name="model_version",
    ),
    path("syncs", syncs.SyncListView.as_view(), name="syncs"),
    path("syncs/trigger", syncs.TriggerView.as_view(), name="trigger"),
    path("syncs/<api_id:sync_id>", syncs.SyncView.as_view(), name="sync"),
    path("syncs/<api_id:sync_id>/versions", versions.SyncVersionsView.as_view(), name="sync_versions"),
    path(
        "syncs/<api_id:sync_id>/versions/<api_id:version_id>", versions.SyncVersionView.as_view(), name="sync_version"
    ),
    path("syncs/<api_id:sync_id>/runs", syncs.SyncRunsView.as_view(), name="sync_runs"),
    path("syncs/<api_id:sync_id>/previews", previews.PreviewListView.as_view(), name="sync_previews"),
    path("syncs/<api_id:sync_id>/previews/<api_id:preview_id>", previews.PreviewView.as_view(), name="sync_preview"),
    path(f"{RUN}/rows", debugging.RunRowsView.as_view(), name="run_rows"),
    path(f"{RUN}/rows/<str:row>", debugging.RunRowView.as_view(), name="run_row"),
    path(f"{RUN}/requests", debugging.RunRequestsView.as_view(), name="run_requests"),
    path(f"{RUN}/cancel", debugging.CancelRunView.as_view(), name="run_cancel"),
    path("syncs/<api_id:sync_id>/logs", logs.SyncLogsView.as_view(), name="sync_logs"),
    path("sources/<api_id:source_id>/logs", logs.SourceLogsView.as_view(), name="source_logs"),
    path(f"{RUN}/release", holds.ReleaseRunView.as_view(), name="run_release"),
    path(f"{RUN}/drop", holds.DropRunView.as_view(), name="run_drop"),
    path("syncs/<api_id:sync_id>/test-row", trying.TestRowView.as_view(), name="sync_test_row"),
    path("syncs/<api_id:sync_id>/alerting", alerts.SyncAlertingView.as_view(), name="sync_alerting"),
    path("syncs/<api_id:sync_id>/alerts", alerts.SyncAlertsView.as_view(), name="sync_alerts"),
    path("syncs/<api_id:sync_id>/alerts/<slug:trigger>/mute", alerts.MuteAlertView.as_view(), name="alert_mute"),
    path("alerts", alerts.ActiveAlertsView.as_view(), name="alerts"),
    path(
        "destinations/<api_id:destination_id>/alerting",
        alerts.DestinationAlertingView.as_view(),
        name="destination_alerting",
    ),
    path(
        "destinations/<api_id:destination_id>/extraction",
        extraction.ExtractionView.as_view(),
        name="destination_extraction",
    ),
    path(
        "destinations/<api_id:destination_id>/extraction/trigger",
        extraction.TriggerExtractionView.as_view(),
        name="destination_extraction_trigger",
    ),
    path("syncs/<api_id:sync_id>/match-reports", matches.MatchReportsView.as_view(), name="sync_match_reports"),
    path("syncs/<api_id:sync_id>/retry", syncs.RetrySyncView.as_view(), name="sync_retry"),
    path("syncs/<api_id:sync_id>/pause", lifecycle.PauseSyncView.as_view(), name="sync_pause"),
    path("syncs/<api_id:sync_id>/resume", lifecycle.ResumeSyncView.as_view(), name="sync_resume"),
    path("syncs/<api_id:sync_id>/reset", lifecycle.ResetSyncView.as_view(), name="sync_reset"),
    path("syncs/<api_id:sync_id>/trigger", syncs.TriggerSyncView.as_view(), name="sync_trigger"),
    path("sync-sequences", sequences.SequenceListView.as_view(), name="sequences"),
    path("sync-sequences/trigger", sequences.TriggerAnySequenceView.as_view(), name="sequences_trigger"),
    path("sync-sequences/runs/<api_id:sequence_run_id>", sequences.SequenceRunView.as_view(), name="sequence_run"),
    path(
        "sync-sequences/runs/<api_id:sequence_run_id>/cancel",
        sequences.CancelSequenceRunView.as_view(),
        name="sequence_run_cancel",
    ),
    path("sync-sequences/<api_id:sequence_id>", sequences.SequenceView.as_view(), name="sequence"),
    path("sync-sequences/<api_id:sequence_id>/runs", sequences.SequenceRunsView.as_view(), name="sequence_runs"),
    path(
        "sync-sequences/<api_id:sequence_id>/trigger", sequences.TriggerSequenceView.as_view(), name="sequence_trigger"
    ),
]
