"""Addresses of SCIM, below ``/api/scim/v2``."""

from django.urls import path, re_path

from workspaces.scim.views import scim

urlpatterns = [
    path("Users", scim, {"kind": "users"}, name="scim_users"),
    path("Users/.search", scim, {"kind": "users/search"}, name="scim_users_search"),
    path("Users/<str:name>", scim, {"kind": "user"}, name="scim_user"),
    path("Groups", scim, {"kind": "groups"}, name="scim_groups"),
    path("Groups/.search", scim, {"kind": "groups/search"}, name="scim_groups_search"),
    path("Groups/<str:name>", scim, {"kind": "group"}, name="scim_group"),
    path("ServiceProviderConfig", scim, {"kind": "ServiceProviderConfig"}, name="scim_service"),
    path("ResourceTypes", scim, {"kind": "ResourceTypes"}, name="scim_resource_types"),
    path("ResourceTypes/<str:name>", scim, {"kind": "ResourceTypes"}, name="scim_resource_type"),
    path("Schemas", scim, {"kind": "Schemas"}, name="scim_schemas"),
    path("Schemas/<str:name>", scim, {"kind": "Schemas"}, name="scim_schema"),
    path("Bulk", scim, {"kind": "unsupported"}, name="scim_bulk"),
    path("Me", scim, {"kind": "unsupported"}, name="scim_me"),
    path(".search", scim, {"kind": "unsupported"}, name="scim_search"),
    re_path(r"^(?P<rest>.*)$", scim, {"kind": "nothing"}, name="scim_nothing"),
]
