"""Addresses of the REST endpoints of links and deployments, below ``/api/v1/``."""

from django.urls import path

from governance.environments import api

urlpatterns = [
    path("links", api.LinkListView.as_view(), name="links"),
    path("links/remove", api.UnlinkView.as_view(), name="links_remove"),
    path("deployments", api.DeploymentListView.as_view(), name="deployments"),
    path("deployments/plan", api.PlanView.as_view(), name="deployments_plan"),
    path("deployments/<api_id:deployment_id>", api.DeploymentView.as_view(), name="deployment"),
]
