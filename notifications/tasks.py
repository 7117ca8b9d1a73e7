"""What workers do for the outbox. Messages carry ids only."""

from __future__ import annotations

import dramatiq

from workspaces.jobs import job_in, working_connection
from workspaces.scoping import organization_scope


@dramatiq.actor(queue_name="notifications")
def send_notification(workspace_id: int, notification_id: int) -> None:
    """Send one notification; does nothing where it is not its turn or somebody else has it."""
    from notifications.sending import deliver

    with job_in(workspace_id):
        deliver(notification_id)


@dramatiq.actor(queue_name="notifications")
def send_webhook(workspace_id: int, delivery_id: int) -> None:
    """Post one event to a webhook; does nothing where it is not due or somebody else has it."""
    from notifications.webhooks.sending import deliver_event

    with job_in(workspace_id):
        deliver_event(delivery_id)


@dramatiq.actor(queue_name="notifications")
def send_audit_stream(organization_id: int, stream_id: int) -> None:
    """Carry what waits of an organization's audit log to where a stream leads."""
    from notifications.streams.sending import carry

    with working_connection(), organization_scope(organization_id):
        carry(stream_id)
