"""The workspaces app."""

from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "workspaces"

    def ready(self) -> None:
        """Register this app's audit events, what search finds and what hangs on people, and listen to sign-ins."""
        from workspaces import events, finders, registrations, signals  # noqa: F401

        finders.register_all()
        registrations.register_all()
