"""Addresses of the overview, models, syncs and runs, under ``/<workspace>/``."""

from __future__ import annotations

from django.urls import path

from syncs.views import (
    alerts,
    destination_syncs,
    extraction,
    guardrails,
    mapper,
    model_detail,
    model_editor,
    model_list,
    organize,
    overview,
    previews,
    run_detail,
    run_requests,
    sequence_detail,
    sequence_edit,
    sequence_list,
    storage,
    sync_detail,
    sync_list,
    sync_logs,
    sync_wizard,
    trying,
    versions,
)
from workspaces.permissions import CONFIGURE_TO_DESTINATION, Permission
from workspaces.routes import requires

app_name = "syncs"
READ = Permission.MEMBER
FROM = Permission.DRAFT_FROM_SOURCE
# The first gate of syncs is their destination; the other side is a source, or a parent model of the studio.
TO = Permission.DRAFT_TO_DESTINATION
TRIGGER = Permission.TRIGGER
DECIDE = Permission.APPROVE_TO_DESTINATION

read = requires(READ)
draft_model = requires(FROM)
read_draft_model = requires(READ, write=FROM)
draft_sync = requires(TO)
trigger = requires(TRIGGER)
manage = requires(Permission.MANAGE_WORKSPACE)
read_draft_sync = requires(READ, write=TO)

urlpatterns = [
    path("", read(overview.OverviewPage.as_view()), name="overview"),
    path("models", read(model_list.ModelList.as_view()), name="models"),
    path("models/new", draft_model(model_editor.ChooseSource.as_view()), name="model_new"),
    path("models/new/<int:pk>", draft_model(model_editor.Editor.as_view()), name="model_define"),
    path("models/<int:pk>", read(model_detail.ModelQuery.as_view()), name="model"),
    path("models/<int:pk>/edit", draft_model(model_editor.EditModel.as_view()), name="model_edit"),
    path("models/<int:pk>/clone", draft_model(model_editor.CloneModel.as_view()), name="model_clone"),
    path("models/<int:pk>/rows", read(model_detail.ModelRows.as_view()), name="model_rows"),
    path("models/<int:pk>/columns", read_draft_model(model_detail.ModelColumns.as_view()), name="model_columns"),
    path("models/<int:pk>/syncs", read(model_detail.ModelSyncs.as_view()), name="model_syncs"),
    path("models/<int:pk>/versions", read(versions.ModelVersions.as_view()), name="model_versions"),
    path(
        "models/<int:pk>/versions/<int:version>",
        read_draft_model(versions.ModelVersion.as_view()),
        name="model_version",
    ),
    path("models/<int:pk>/activity", read(model_detail.ModelActivity.as_view()), name="model_activity"),
    path("models/<int:pk>/rename", draft_model(model_detail.RenameModel.as_view()), name="model_rename"),
    path("models/<int:pk>/delete", draft_model(model_detail.DeleteModel.as_view()), name="model_delete"),
    path("syncs", requires(READ, write=TRIGGER)(sync_list.SyncList.as_view()), name="syncs"),
    path("syncs/organize", read_draft_sync(organize.OrganizeSyncs.as_view()), name="syncs_organize"),
    path("models/organize", read_draft_model(organize.OrganizeModels.as_view()), name="models_organize"),
    path(
        "sequences/organize",
        requires(READ, write=TRIGGER)(organize.OrganizeSequences.as_view()),
        name="sequences_organize",
    ),
    path("syncs/new", draft_sync(sync_wizard.SyncNew.as_view()), name="sync_new"),
    path("syncs/new/<int:model>/<int:destination>", draft_sync(sync_wizard.Configure.as_view()), name="sync_configure"),
    path("syncs/value/<int:model>/<int:destination>", draft_sync(mapper.MappingValue.as_view()), name="mapping_value"),
    path("syncs/<int:pk>", read(sync_detail.SyncRuns.as_view()), name="sync"),
    path("syncs/<int:pk>/edit", draft_sync(sync_wizard.EditSync.as_view()), name="sync_edit"),
    path("syncs/<int:pk>/configuration", read(sync_detail.SyncConfiguration.as_view()), name="sync_configuration"),
    path("syncs/<int:pk>/guardrails", draft_sync(guardrails.SyncGuardrails.as_view()), name="sync_guardrails"),
    path("syncs/<int:pk>/try", trigger(trying.TryRow.as_view()), name="sync_try"),
    path("syncs/<int:pk>/schedule", read_draft_sync(sync_detail.SyncSchedule.as_view()), name="sync_schedule"),
    path("syncs/<int:pk>/logs", read_draft_sync(sync_logs.SyncLogs.as_view()), name="sync_logs"),
    path("syncs/<int:pk>/alerts", read_draft_sync(alerts.SyncAlerts.as_view()), name="sync_alerts"),
    path("syncs/<int:pk>/alerts/<slug:trigger>/mute", requires(TRIGGER)(alerts.MuteAlert.as_view()), name="sync_mute"),
    path(
        "destinations/<int:destination_id>/syncs",
        read(destination_syncs.DestinationSyncs.as_view()),
        name="destination_syncs",
    ),
    path(
        "destinations/<int:destination_id>/alerting",
        requires(READ, write=CONFIGURE_TO_DESTINATION)(alerts.DestinationAlerting.as_view()),
        name="destination_alerting",
    ),
    path(
        "destinations/<int:destination_id>/extraction",
        requires(READ, write=Permission.MANAGE_DESTINATION)(extraction.DataExtraction.as_view()),
        name="destination_extraction",
    ),
    path("syncs/<int:pk>/versions", read(versions.SyncVersions.as_view()), name="sync_versions"),
    path("syncs/<int:pk>/versions/<int:version>", read_draft_sync(versions.SyncVersion.as_view()), name="sync_version"),
    path("syncs/<int:pk>/activity", read(sync_detail.SyncActivity.as_view()), name="sync_activity"),
    path("syncs/<int:pk>/rename", draft_sync(sync_detail.RenameSync.as_view()), name="sync_rename"),
    path("syncs/<int:pk>/delete", draft_sync(sync_detail.DeleteSync.as_view()), name="sync_delete"),
    path("syncs/<int:pk>/do/<slug:action>", requires(TRIGGER)(sync_detail.SyncAction.as_view()), name="sync_action"),
    path("syncs/<int:pk>/preview", requires(TRIGGER)(previews.StartPreview.as_view()), name="preview_start"),
    path("syncs/<int:pk>/previews/<int:preview>", read(previews.PreviewPage.as_view()), name="preview"),
    path(
        "syncs/<int:pk>/previews/<int:preview>/rows/<str:row>", read(previews.PreviewRow.as_view()), name="preview_row"
    ),
    path(
        "syncs/<int:pk>/previews/<int:preview>/cancel",
        requires(TRIGGER)(previews.CancelPreview.as_view()),
        name="preview_cancel",
    ),
    path("syncs/<int:pk>/runs/<int:run>", read(run_detail.RunPage.as_view()), name="run"),
    path("syncs/<int:pk>/runs/<int:run>/progress", read(run_detail.RunProgressPart.as_view()), name="run_progress"),
    path("syncs/<int:pk>/runs/<int:run>/rows/<str:row>", read(run_detail.RunRow.as_view()), name="run_row"),
    path("syncs/<int:pk>/runs/<int:run>/requests", read(run_requests.RunRequests.as_view()), name="run_requests"),
    path(
        "syncs/<int:pk>/runs/<int:run>/requests/<str:exchange>",
        read(run_requests.RunRequest.as_view()),
        name="run_request",
    ),
    path("syncs/<int:pk>/runs/<int:run>/cancel", requires(TRIGGER)(run_detail.CancelRun.as_view()), name="run_cancel"),
    path("syncs/<int:pk>/runs/<int:run>/decide", requires(DECIDE)(run_detail.DecideRun.as_view()), name="run_decide"),
    path("syncs/<int:pk>/runs/<int:run>/logs", read_draft_sync(sync_logs.RunLogsPart.as_view()), name="run_logs"),
    path("syncs/<int:pk>/runs/<int:run>/export", read(run_detail.ExportRows.as_view()), name="run_export"),
    path("sequences", requires(READ, write=TRIGGER)(sequence_list.SequenceList.as_view()), name="sequences"),
    path("sequences/new", trigger(sequence_edit.NewSequence.as_view()), name="sequence_new"),
    path("sequences/<int:pk>", read(sequence_detail.SequenceRuns.as_view()), name="sequence"),
    path("sequences/<int:pk>/edit", trigger(sequence_edit.EditSequence.as_view()), name="sequence_edit"),
    path("sequences/<int:pk>/steps", read(sequence_detail.SequenceSteps.as_view()), name="sequence_steps"),
    path(
        "sequences/<int:pk>/schedule",
        requires(READ, write=TRIGGER)(sequence_detail.SequenceSchedule.as_view()),
        name="sequence_schedule",
    ),
    path("sequences/<int:pk>/activity", read(sequence_detail.SequenceActivity.as_view()), name="sequence_activity"),
    path("sequences/<int:pk>/rename", trigger(sequence_detail.RenameSequence.as_view()), name="sequence_rename"),
    path("sequences/<int:pk>/delete", trigger(sequence_detail.DeleteSequence.as_view()), name="sequence_delete"),
    path(
        "sequences/<int:pk>/do/<slug:action>",
        trigger(sequence_detail.SequenceAction.as_view()),
        name="sequence_action",
    ),
    path("sequences/<int:pk>/runs/<int:run>", read(sequence_detail.SequenceRunPage.as_view()), name="sequence_run"),
    path(
        "sequences/<int:pk>/runs/<int:run>/cancel",
        trigger(sequence_detail.CancelSequenceRun.as_view()),
        name="sequence_run_cancel",
    ),
    path("settings/storage", manage(storage.StoragePage.as_view()), name="storage"),
    path("settings/storage/test", manage(storage.CheckStorage.as_view()), name="storage_check"),
]
