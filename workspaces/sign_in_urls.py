"""Pages about signing in, under ``/<workspace>/organization/``; part of :mod:`workspaces.urls`."""

from django.urls import path

from workspaces.views import sign_in as views

SSO = "organization/single-sign-on"

urlpatterns = [
    path("organization/sign-in", views.sign_in_rules, name="sign_in_rules"),
    path("organization/people/<int:member_id>/end-sessions", views.end_member_sessions, name="end_member_sessions"),
    path(SSO, views.sso, name="sso"),
    path(f"{SSO}/saml", views.sso_edit, {"protocol": "saml"}, name="sso_saml"),
    path(f"{SSO}/oidc", views.sso_edit, {"protocol": "oidc"}, name="sso_oidc"),
    path(f"{SSO}/scim-token", views.make_scim_token, name="make_scim_token"),
    path(f"{SSO}/scim-token/remove", views.remove_scim_token, name="remove_scim_token"),
    path(f"{SSO}/switch", views.sso_switch, name="sso_switch"),
    path(f"{SSO}/inviting", views.sso_inviting, name="sso_inviting"),
    path(f"{SSO}/remove", views.sso_remove, name="sso_remove"),
    path(f"{SSO}/domains", views.add_domain, name="add_domain"),
    path(f"{SSO}/domains/<int:domain_id>/verify", views.verify_domain, name="verify_domain"),
    path(f"{SSO}/domains/<int:domain_id>/remove", views.remove_domain, name="remove_domain"),
    path(f"{SSO}/mappings", views.add_mapping, name="add_mapping"),
    path(f"{SSO}/mappings/<int:mapping_id>/remove", views.remove_mapping, name="remove_mapping"),
]
