"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "governance.audit"
    label = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        """Register the events that the log leaves about itself."""
        from governance.audit import own_events  # noqa: F401 - registers on import
