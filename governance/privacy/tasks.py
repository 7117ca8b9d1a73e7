"""What workers do for cases."""

from __future__ import annotations

import dramatiq

from workspaces.jobs import job_in


@dramatiq.actor(queue_name="upkeep")
def work_on_case(workspace_id: int, case_id: int) -> None:
    """Search for a person or erase them; does nothing where somebody else does."""
    from governance.privacy.working import work

    with job_in(workspace_id):
        work(case_id)
