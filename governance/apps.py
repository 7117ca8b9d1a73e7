"""The governance app: what is remembered, and the pages that show it."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"

    def ready(self) -> None:
        """Register this app's audit events, and let search find audit entries."""
        from governance import finding
        from governance.log import events  # noqa: F401 - registers on import

        finding.register_all()
