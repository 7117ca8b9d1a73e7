"""The address to which services send people back, the same for every workspace."""

from django.urls import path

from connectors.views.signing_in import callback

urlpatterns = [path("callback/", callback, name="oauth_callback")]
