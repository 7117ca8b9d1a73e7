"""The environments app: what stands for what in other workspaces, and deployments between them."""

from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    name = "governance.environments"
    label = "environments"

    def ready(self) -> None:
        """Register this app's audit events."""
        from governance.environments import events  # noqa: F401 - registers on import
