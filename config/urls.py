"""The root of all addresses: fixed ones first, then ``/<workspace>/…``."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from config.machine_docs import machine_docs
from config.operating import views as operating
from config.operating.console import console

handler400 = "workspaces.pages.bad_request"
handler403 = "workspaces.pages.forbidden"
handler404 = "workspaces.pages.not_found"
handler500 = "workspaces.pages.server_error"
# The account library's own name for its limits on attempts.
handler429 = "workspaces.pages.too_many_requests"

urlpatterns = [
    *([path("inspector/", include("config.demo.urls"))] if settings.DEMO else []),
    path("readyz", operating.readyz, name="readyz"),
    path("metrics", operating.metrics, name="metrics"),
    *(path(name, machine_docs, {"name": name}, name=name) for name in ("llms.txt", "llms-full.txt", "skill.md")),
    path("docs/<path:name>", machine_docs, name="docs_page"),
    path("admin/", console.urls),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/mfa/", include("allauth.mfa.urls")),
    path("accounts/linked/", include("allauth.socialaccount.urls")),
    *(path("accounts/", include(f"allauth.socialaccount.providers.{name}.urls")) for name in settings.LOGIN_SERVICES),
    path("sso/", include("workspaces.sso.urls")),
    path("styleguide/", include("config.styleguide")),
    path("oauth/", include("connectors.oauth_urls")),
    path("api/scim/v2/", include("workspaces.scim.urls")),
    path("api/v1/", include("config.api_urls")),
    path("", include("workspaces.entrance_urls")),
    path("<slug:workspace>/", include("workspaces.urls")),
    path("<slug:workspace>/", include("governance.urls")),
    path("<slug:workspace>/", include("governance.environments.urls")),
    path("<slug:workspace>/", include("governance.approvals.urls")),
    path("<slug:workspace>/", include("governance.privacy.urls")),
    path("<slug:workspace>/", include("connectors.urls")),
    path("<slug:workspace>/", include("notifications.urls")),
    path("<slug:workspace>/", include("audiences.urls")),
    path("<slug:workspace>/", include("syncs.urls")),
]
