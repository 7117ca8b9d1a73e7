"""Addresses of the connectors' REST endpoints, below ``/api/v1/``."""

from django.urls import path

from connectors import api, api_checks, api_clouds, api_discovery, api_planner, api_tunnels

urlpatterns = [
    path("sources", api.SourceListView.as_view(), name="sources"),
    path("sources/<api_id:source_id>", api.SourceView.as_view(), name="source"),
    path("sources/<api_id:source_id>/check", api_checks.CheckSourceView.as_view(), name="source_check"),
    path("sources/<api_id:source_id>/check-write", api_checks.CheckWriteView.as_view(), name="source_check_write"),
    path("sources/<api_id:source_id>/planner", api_planner.PlannerView.as_view(), name="source_planner"),
    path("destinations", api.DestinationListView.as_view(), name="destinations"),
    path("destinations/<api_id:destination_id>", api.DestinationView.as_view(), name="destination"),
    path(
        "destinations/<api_id:destination_id>/check",
        api_checks.CheckDestinationView.as_view(),
        name="destination_check",
    ),
    path("destinations/<api_id:destination_id>/stop", api.StopDestinationView.as_view(), name="destination_stop"),
    path(
        "destinations/<api_id:destination_id>/release", api.ReleaseDestinationView.as_view(), name="destination_release"
    ),
    path(
        "destinations/<api_id:destination_id>/fields",
        api_discovery.DestinationFieldsView.as_view(),
        name="destination_fields",
    ),
    path(
        "destinations/<api_id:destination_id>/choices",
        api_discovery.DestinationChoicesView.as_view(),
        name="destination_choices",
    ),
    path("cloud-credentials", api_clouds.CloudCredentialListView.as_view(), name="cloud_credentials"),
    path(
        "cloud-credentials/<api_id:credential_id>",
        api_clouds.CloudCredentialView.as_view(),
        name="cloud_credential",
    ),
    path(
        "cloud-credentials/<api_id:credential_id>/jobs",
        api_clouds.CloudCredentialJobsView.as_view(),
        name="cloud_credential_jobs",
    ),
    path("tunnels", api_tunnels.TunnelListView.as_view(), name="tunnels"),
    path("tunnels/reverse", api_tunnels.ReverseTunnelView.as_view(), name="tunnels_reverse"),
    path(
        "tunnels/<api_id:tunnel_id>/replace-key", api_tunnels.ReplaceReverseKeyView.as_view(), name="tunnel_replace_key"
    ),
    path("tunnels/<api_id:tunnel_id>", api_tunnels.TunnelView.as_view(), name="tunnel"),
    path("tunnels/<api_id:tunnel_id>/confirm", api_tunnels.ConfirmTunnelView.as_view(), name="tunnel_confirm"),
    path("tunnels/<api_id:tunnel_id>/check", api_tunnels.CheckTunnelView.as_view(), name="tunnel_check"),
]
