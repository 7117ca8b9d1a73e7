"""Addresses of links and deployments, under ``/<workspace>/``."""

from django.urls import path

from governance.environments import views

app_name = "environments"
urlpatterns = [
    path("governance/deployments", views.deployments, name="deployments"),
    path("governance/deployments/new", views.deploy, name="deploy"),
    path("governance/deployments/<int:deployment_id>", views.deployment, name="deployment"),
    path("governance/links", views.link, name="link"),
    path("governance/links/remove", views.unlink, name="unlink"),
]
