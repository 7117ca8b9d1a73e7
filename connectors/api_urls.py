"""Addresses of the connectors' REST endpoints, below ``/api/v1/``."""

from django.urls import path

from connectors import api

urlpatterns = [
    path("sources", api.SourceListView.as_view(), name="sources"),
    path("sources/<api_id:source_id>", api.SourceView.as_view(), name="source"),
    path("destinations", api.DestinationListView.as_view(), name="destinations"),
    path("destinations/<api_id:destination_id>", api.DestinationView.as_view(), name="destination"),
    path("destinations/<api_id:destination_id>/stop", api.StopDestinationView.as_view(), name="destination_stop"),
    path(
        "destinations/<api_id:destination_id>/release", api.ReleaseDestinationView.as_view(), name="destination_release"
    ),
]
