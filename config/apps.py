"""The project's own app: broker set-up, system checks, management commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Set the Dramatiq broker before any actor is declared."""
        import dramatiq

        from config import checks  # noqa: F401 - registers the system checks
        from config.queue import make_broker

        dramatiq.set_broker(make_broker())
