"""The root of all addresses: fixed ones first, then ``/<workspace>/…``."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

handler400 = "workspaces.pages.bad_request"
handler403 = "workspaces.pages.forbidden"
handler404 = "workspaces.pages.not_found"
handler500 = "workspaces.pages.server_error"

urlpatterns = [
    *([path("inspector/", include("config.demo.urls"))] if settings.DEMO else []),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/mfa/", include("allauth.mfa.urls")),
    path("styleguide/", include("config.styleguide")),
    path("oauth/", include("connectors.oauth_urls")),
    path("api/v1/", include("config.api_urls")),
    path("", include("workspaces.entrance_urls")),
    path("<slug:workspace>/", include("workspaces.urls")),
    path("<slug:workspace>/", include("governance.urls")),
    path("<slug:workspace>/", include("connectors.urls")),
    path("<slug:workspace>/", include("notifications.urls")),
    path("<slug:workspace>/", include("syncs.urls")),
]
