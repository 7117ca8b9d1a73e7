"""All addresses, with those of Google and Microsoft, as where the operator has set them up."""

from django.urls import include, path

from config.urls import handler400, handler403, handler404, handler429, handler500
from config.urls import urlpatterns as own

__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500", "urlpatterns"]

urlpatterns = [
    *(path("accounts/", include(f"allauth.socialaccount.providers.{name}.urls")) for name in ("google", "microsoft")),
    *own,
]
