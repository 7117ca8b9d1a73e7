"""Drafts and approvals: changes that wait for a second pair of eyes before they are live."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "governance.approvals"
    label = "approvals"
    verbose_name = "Drafts and approvals"

    def ready(self) -> None:
        """Register this app's audit events, and tell whether approvals are required."""
        from governance.approvals import events  # noqa: F401 - registers on import
        from governance.approvals.selectors import told_rules
        from workspaces import house_rules

        house_rules.register(told_rules, "approvals:policy")
