"""What workers do. Messages carry ids only; each actor enters the workspace's scope first."""

from __future__ import annotations

import dramatiq
from django.utils import timezone

from syncs.choices import StepKind
from workspaces.jobs import job_in


@dramatiq.actor(queue_name="runs")
def work_on_step(workspace_id: int, step_id: int) -> None:
    """Take a stage of a run and carry it out; does nothing where somebody else has it."""
    from syncs.runner import work

    with job_in(workspace_id):
        work(step_id)


@dramatiq.actor(queue_name="deliveries")
def deliver_step(workspace_id: int, step_id: int) -> None:
    """As :func:`work_on_step`, on threads of their own: deliveries wait most of the time."""
    work_on_step.fn(workspace_id, step_id)


def actor_for(kind: str) -> dramatiq.Actor[[int, int], None]:
    """Who carries out stages of this kind."""
    return deliver_step if kind in (StepKind.PROVIDE, StepKind.CLEAR, StepKind.DELIVER) else work_on_step


@dramatiq.actor(queue_name="runs")
def go_on_with_sequence(workspace_id: int, run_id: int) -> None:
    """Take a run of a sequence as far as it can go now."""
    from syncs.services.sequencing import advance

    with job_in(workspace_id):
        advance(run_id)


@dramatiq.actor(queue_name="runs")
def work_on_preview(workspace_id: int, preview_id: int) -> None:
    """Make a preview; does nothing where somebody else does, or nobody wants it any more."""
    from syncs.previewing import work

    with job_in(workspace_id):
        work(preview_id)


@dramatiq.actor(queue_name="deliveries")
def look_at_jobs(workspace_id: int, credential_id: int) -> None:
    """Look whether jobs of another service have succeeded, and make due what waits for them."""
    from syncs.services.upstream import look

    with job_in(workspace_id):
        look(credential_id)


@dramatiq.actor(queue_name="deliveries")
def ask_for_match_stats(workspace_id: int, report_id: int) -> None:
    """Ask a destination whom it recognised of what a sync sent."""
    from syncs.matching import work

    with job_in(workspace_id):
        work(report_id)


@dramatiq.actor(queue_name="deliveries")
def extract_audiences(workspace_id: int, extraction_id: int) -> None:
    """Write the audiences of a destination into a warehouse; does nothing where somebody else does, or has."""
    from syncs.extraction import work

    with job_in(workspace_id):
        work(extraction_id)


@dramatiq.actor(queue_name="upkeep")
def discard_preview_files(workspace_id: int, sync_id: int, preview_id: int) -> None:
    """Delete what an expired preview has found."""
    from syncs.previewing import delete_files

    with job_in(workspace_id):
        delete_files(workspace_id, sync_id, preview_id)


@dramatiq.actor(queue_name="upkeep")
def expire_run(workspace_id: int, run_id: int) -> None:
    """Delete a run's rows and requests after their retention."""
    from syncs.upkeep import expire

    with job_in(workspace_id):
        expire(run_id, timezone.now())


@dramatiq.actor(queue_name="upkeep")
def prune_changelog(workspace_id: int, source_id: int) -> None:
    """Delete changelog entries in a source's warehouse that are past their time."""
    from syncs.upkeep import prune

    with job_in(workspace_id):
        prune(source_id, timezone.now())


@dramatiq.actor(queue_name="upkeep")
def discard_sync_files(workspace_id: int, sync_id: int, source_id: int = 0) -> None:
    """Delete all files of a sync that no longer exists, and its tables in the source that compared it."""
    from syncs.upkeep import discard

    with job_in(workspace_id):
        discard(workspace_id, sync_id, source_id)
