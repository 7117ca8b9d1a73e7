"""``/api/v1/``: every REST endpoint, the OpenAPI document and a page that shows it."""

from django.urls import include, path, register_converter
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView

from config.converters import ApiId
from workspaces.routes import public

register_converter(ApiId, "api_id")

app_name = "api"
DOCUMENT = "describes the API's shape, which is the same everywhere and holds no data"
urlpatterns = [
    path("openapi.json", public(DOCUMENT)(SpectacularJSONAPIView.as_view()), name="openapi"),
    path("docs", public(DOCUMENT)(SpectacularRedocView.as_view(url_name="api:openapi")), name="docs"),
    path("", include("workspaces.organizing_api_urls")),
    path("", include("governance.approvals.api_urls")),
    path("", include("governance.api_urls")),
    path("", include("governance.privacy.api_urls")),
    path("", include("workspaces.api_urls")),
    path("", include("connectors.api_urls")),
    path("", include("governance.environments.api_urls")),
    path("", include("notifications.api_urls")),
    path("", include("syncs.api_urls")),
    path("", include("audiences.api_urls")),
]
