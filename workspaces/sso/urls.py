"""Addresses of single sign-on, outside any workspace. Those with a name are registered at identity providers."""

from django.urls import path

from workspaces.sso import logout_views, views

urlpatterns = [
    path("", views.find, name="sso"),
    path("required/<int:organization_id>", views.required, name="sso_required"),
    path("<slug:login_name>", views.start, name="sso_start"),
    path("<slug:login_name>/test/<slug:slug>", views.test, name="sso_test"),
    path("<slug:login_name>/acs", views.acs, name="sso_acs"),
    path("<slug:login_name>/finish", views.finish, name="sso_finish"),
    path("<slug:login_name>/callback", views.callback, name="sso_callback"),
    path("<slug:login_name>/leave", logout_views.leave, name="sso_leave"),
    path("<slug:login_name>/logout", logout_views.end, name="sso_logout"),
    path("<slug:login_name>/metadata", views.metadata, name="sso_metadata"),
]
