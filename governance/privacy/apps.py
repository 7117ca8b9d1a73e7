"""The privacy app."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "governance.privacy"
    label = "privacy"
    verbose_name = "Privacy and evidence"

    def ready(self) -> None:
        """Register this app's audit events."""
        from governance.privacy import events  # noqa: F401 - registers on import
