"""What workers do for the outbox. Messages carry ids only."""

from __future__ import annotations

import dramatiq

from workspaces.jobs import job_in


@dramatiq.actor(queue_name="notifications")
def send_notification(workspace_id: int, notification_id: int) -> None:
    """Send one notification; does nothing where it is not its turn or somebody else has it."""
    from notifications.sending import deliver

    with job_in(workspace_id):
        deliver(notification_id)
