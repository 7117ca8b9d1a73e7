"""The syncs app: models, syncs, runs and their schedules."""

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "syncs"
    verbose_name = "Models and syncs"

    def ready(self) -> None:
        """Register this app's audit events."""
        from syncs import events  # noqa: F401 - registers on import
