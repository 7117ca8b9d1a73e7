"""Addresses outside any workspace."""

from django.urls import path

from workspaces import entrance

urlpatterns = [
    path("", entrance.home, name="home"),
    path("healthz", entrance.healthz, name="healthz"),
    path("welcome", entrance.welcome, name="welcome"),
    path("me/sessions", entrance.sessions, name="my_sessions"),
    path("me/join", entrance.ask_to_join, name="ask_to_join"),
    path("invitations/<str:token>", entrance.invitation, name="invitation"),
]
