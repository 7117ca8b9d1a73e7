"""Addresses of the REST endpoints of models, syncs and runs, below ``/api/v1/``."""

from django.urls import path

from syncs.api import models, syncs

urlpatterns = [
    path("models", models.ModelListView.as_view(), name="models"),
    path("models/<api_id:model_id>", models.ModelView.as_view(), name="model"),
    path("syncs", syncs.SyncListView.as_view(), name="syncs"),
    path("syncs/trigger", syncs.TriggerView.as_view(), name="trigger"),
    path("syncs/<api_id:sync_id>", syncs.SyncView.as_view(), name="sync"),
    path("syncs/<api_id:sync_id>/runs", syncs.SyncRunsView.as_view(), name="sync_runs"),
    path("syncs/<api_id:sync_id>/trigger", syncs.TriggerSyncView.as_view(), name="sync_trigger"),
]
