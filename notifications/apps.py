"""The notifications app: where messages to people go, and the outbox they leave from."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        """Register this app's audit events."""
        from notifications import events  # noqa: F401 - registers on import
