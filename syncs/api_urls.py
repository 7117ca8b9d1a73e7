"""Addresses of the REST endpoints of models, syncs and runs, below ``/api/v1/``."""

from django.urls import path

from syncs.api import holds, models, syncs

RUN = "syncs/<api_id:sync_id>/runs/<api_id:run_id>"

urlpatterns = [
    path("models", models.ModelListView.as_view(), name="models"),
    path("models/<api_id:model_id>", models.ModelView.as_view(), name="model"),
    path("syncs", syncs.SyncListView.as_view(), name="syncs"),
    path("syncs/trigger", syncs.TriggerView.as_view(), name="trigger"),
    path("syncs/<api_id:sync_id>", syncs.SyncView.as_view(), name="sync"),
    path("syncs/<api_id:sync_id>/runs", syncs.SyncRunsView.as_view(), name="sync_runs"),
    path(f"{RUN}/release", holds.ReleaseRunView.as_view(), name="run_release"),
    path(f"{RUN}/drop", holds.DropRunView.as_view(), name="run_drop"),
    path("syncs/<api_id:sync_id>/trigger", syncs.TriggerSyncView.as_view(), name="sync_trigger"),
]
