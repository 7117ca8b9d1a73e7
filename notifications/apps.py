"""The notifications app: where messages to people go, and the outbox they leave from."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        """Register this app's audit events, and that channels hold credentials."""
        from connectors import sealed
        from notifications import events  # noqa: F401 - registers on import
        from notifications.models import Channel

        sealed.register("channels", Channel, "secret_config")
