"""Drafts and approvals: changes that wait for a second pair of eyes before they are live."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "governance.approvals"
    label = "approvals"
    verbose_name = "Drafts and approvals"

    def ready(self) -> None:
        """Register this app's audit events."""
        from governance.approvals import events  # noqa: F401 - registers on import
