"""What workers do for this app. Messages carry ids only."""

from __future__ import annotations

import dramatiq

from workspaces.jobs import working_connection


@dramatiq.actor(queue_name="upkeep")
def verify_log(organization_id: int) -> None:
    """Verify the chain of an organization's audit log, and keep the verdict."""
    from governance.log.upkeep import verify

    with working_connection():
        verify(organization_id)


@dramatiq.actor(queue_name="upkeep")
def purge_audit_log(organization_id: int) -> None:
    """Delete audit entries that are past the organization's retention."""
    from governance.log.upkeep import purge

    with working_connection():
        purge(organization_id)
