"""Writes to what syncs log in the warehouse."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone

from config.errors import Conflict
from config.queue import enqueue
from connectors.services import log_tables, require_write_access
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs import access
from syncs.choices import StepKind, StepState
from syncs.models import Run, Sync
from syncs.tasks import work_on_step


@service("sync.logs_changed")
def change_sync_logs(*, actor: Actor, sync: Sync, tables: Collection[str]) -> Sync:
    """Choose what this sync logs in the warehouse, besides what its source asks of all its syncs."""
    sync = access.sync_to_configure(actor, sync.pk)
    before, chosen = list(sync.sync_logs), log_tables(tables)
    if before == chosen:
        unchanged()
        return sync
    if set(chosen) - set(before):
        require_write_access(sync.model.source)
    sync.sync_logs = chosen
    sync.save(update_fields=["sync_logs", "updated_at"])
    record(sync, before={"sync_logs": before}, after={"sync_logs": chosen})
    return sync


@service("run.logs_requested")
def write_logs_again(*, actor: Actor, run: Run) -> Run:
    """Try again to write a run's logs into the warehouse, after they were given up."""
    sync = access.sync_to_configure(actor, run.sync_id)
    run = access.run_for(actor, run.pk)
    step = run.steps.select_for_update(no_key=True).filter(kind=StepKind.LOG).first()
    if step is None or step.state != StepState.DONE:
        raise Conflict("This run's logs have not been given up.", hint="They are written, or still being written.")
    if run.traces_purged_at:
        raise Conflict("This run's rows are past their retention.", hint="Later runs are logged as usual.")
    now = timezone.now()
    step.state, step.attempts, step.available_at, step.sent_at = StepState.WAITING, 0, now, now
    step.finished_at = None
    step.save(update_fields=["state", "attempts", "available_at", "sent_at", "finished_at"])
    enqueue(work_on_step, run.workspace_id, step.pk)
    record(run, after={"sync": sync.pk, "run": run.number}, label=f"{sync} {run}")
    return run
