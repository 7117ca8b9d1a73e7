"""The customer studio: the schema that marketers build audiences on."""

from django.apps import AppConfig


class AudiencesConfig(AppConfig):
    name = "audiences"
    verbose_name = "Customer Studio"

    def ready(self) -> None:
        """Register this app's audit events, and what hangs on sources."""
        from audiences import events, registrations  # noqa: F401 - registers on import

        registrations.register_all()
