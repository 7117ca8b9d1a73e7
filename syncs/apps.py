"""The syncs app: models, syncs, runs and their schedules."""

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "syncs"
    verbose_name = "Models and syncs"

    def ready(self) -> None:
        """Register this app's audit events, what hangs on connections, and what the palette finds."""
        from syncs import events, registrations  # noqa: F401 - registers on import

        registrations.register_all()
