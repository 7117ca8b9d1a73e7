"""What workers do. Messages carry ids only; each actor enters the workspace's scope first."""

from __future__ import annotations

import dramatiq

from workspaces.jobs import job_in


@dramatiq.actor(queue_name="runs")
def look_at_model(workspace_id: int, model_id: int) -> None:
    """Count a schema model's rows and find the values that filters suggest."""
    from audiences.looking import work
    from audiences.trait_values import work_of_model

    with job_in(workspace_id):
        work(model_id)
        work_of_model(model_id)


@dramatiq.actor(queue_name="runs")
def calculate(workspace_id: int, calculation_id: int) -> None:
    """Count the members of a definition."""
    from audiences.calculating import work

    with job_in(workspace_id):
        work(calculation_id)


@dramatiq.actor(queue_name="runs")
def find_trait_values(workspace_id: int, trait_id: int) -> None:
    """Find the values of a trait that filters suggest."""
    from audiences.trait_values import work

    with job_in(workspace_id):
        work(trait_id)


@dramatiq.actor(queue_name="runs")
def write_recording(workspace_id: int, recording_id: int) -> None:
    """Write down who is in an audience, and what a run of its sync did to them."""
    from audiences.recording import work

    with job_in(workspace_id):
        work(recording_id)


@dramatiq.actor(queue_name="runs")
def take_sample(workspace_id: int, sampling_id: int) -> None:
    """Sample a parent model and what belongs to it."""
    from audiences.sampling import work

    with job_in(workspace_id):
        work(sampling_id)


@dramatiq.actor(queue_name="upkeep")
def drop_samples(workspace_id: int, source_id: int) -> None:
    """Drop the samples in a source that nobody reads any more."""
    from audiences.sampling import drop_unread
    from connectors.models import Source

    with job_in(workspace_id):
        if source := Source.objects.filter(pk=source_id).first():
            drop_unread(source)


@dramatiq.actor(queue_name="upkeep")
def discard_history(workspace_id: int, audience_id: int) -> None:
    """Delete the files of an audience that does not exist any more."""
    from audiences.history_places import history_folder
    from syncs.storage import storage

    with job_in(workspace_id):
        storage().delete_tree(history_folder(workspace_id, audience_id))
