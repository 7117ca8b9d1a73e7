"""The demo's runs: start them, wait for the workers, and say what happened in plain words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from governance.audit.actors import Actor
from syncs.choices import words
from syncs.models import Run, Sync
from syncs.services.runs import start_run
from workspaces.models import Workspace
from workspaces.scoping import workspace_scope

PATIENCE = 300.0  # seconds for all runs of one round
LOOK_INTERVAL = 0.2


class DemoFailed(Exception):
    """A run of the demo did not end well."""


def run_all(actor: Actor, workspace: Workspace, syncs: Iterable[Sync], title: str, say: Callable[[str], None]) -> None:
    """Run the syncs side by side and print one line for each."""
    say(f"\n{title}")
    with workspace_scope(workspace.pk):
        runs = [start_run(actor=actor, sync=sync) for sync in syncs]
        ended = [_wait(run) for run in runs]
    for run in ended:
        say(f"  {_line(run)}")
    failed = next((run for run in ended if run.status not in ("succeeded", "warning")), None)
    if failed is not None:
        raise DemoFailed(f"{failed.sync}: {failed.error_message or words(failed.status).run_page}")


def _wait(run: Run) -> Run:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        run = Run.objects.select_related("sync").get(pk=run.pk)
        if not run.live:
            return run
        time.sleep(LOOK_INTERVAL)
    raise DemoFailed(f"{run.sync} did not end within {PATIENCE:.0f} seconds.")


def _line(run: Run) -> str:
    seconds = ((run.finished_at or run.created_at) - run.created_at).total_seconds()
    counts = (
        f"{run.queried:,} rows queried: {run.planned_added:,} added, {run.planned_changed:,} changed, "
        f"{run.planned_removed:,} removed, {run.rejected:,} rejected"
    )
    return f"{run.sync}: {counts} ({seconds:.1f} s)"
