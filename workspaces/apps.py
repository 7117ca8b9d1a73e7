"""The workspaces app."""

from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "workspaces"

    def ready(self) -> None:
        """Register this app's audit events and listen to sign-ins."""
        from workspaces import events, signals  # noqa: F401
