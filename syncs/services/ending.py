"""How a run ends; the caller holds the row locks of the run and of its sync."""

from __future__ import annotations

from django.utils import timezone

from syncs.choices import PendingReset, RunStatus, StepKind
from syncs.codec import load
from syncs.engine.spec import Failure, RunSpec
from syncs.logs import wanted_tables
from syncs.models import JournalBatch, Run, Sync
from syncs.origins import origin_of
from syncs.services.alerting import judge_after_run
from syncs.services.opening import open_step
from syncs.services.sequencing import wake
from syncs.webhooks import tell_webhooks


def end_run(run: Run, status: RunStatus, failure: Failure | None) -> None:
    """Store the end of a run and why it came early, if it did."""
    run.status, run.finished_at = status, timezone.now()
    run.timings = {**run.timings, "finished": run.finished_at.isoformat()}
    if failure is not None:
        run.error_code, run.error_message, run.error_hint = failure.code, failure.message, failure.hint
    run.save()
    if wanted_tables(run.sync):
        open_step(run, StepKind.LOG)
    if (origin := origin_of(run.sync.model)) and origin.ended:
        origin.ended(run)
    wake(run.sync_id)
    tell_webhooks(run)


def end_without_sending(run: Run, sync: Sync, status: RunStatus, failure: Failure | None) -> None:
    """End a run that changed nothing: the baseline stays, and what waited for this run waits for the next.

    What it had planned is aborted, so that planned = succeeded + rejected + aborted also holds here.
    """
    for kind in ("added", "changed", "removed"):
        planned, succeeded, rejected = (getattr(run, f"{of}_{kind}") for of in ("planned", "succeeded", "rejected"))
        setattr(run, f"aborted_{kind}", planned - succeeded - rejected)
    spec = load(RunSpec, run.spec)
    if sync.pending_reset == PendingReset.NONE:
        sync.pending_reset = reset_of(spec)
    sync.pending_reprocess = sync.pending_reprocess or spec.reprocess
    sync.save(update_fields=["pending_reset", "pending_reprocess"])
    end_run(run, status, failure)
    JournalBatch.objects.filter(step__run=run).delete()
    judge_after_run(sync, timezone.now())


def reset_of(spec: RunSpec) -> PendingReset:
    """What the run did instead of comparing."""
    if spec.clear:
        return PendingReset.CLEAR
    if spec.resync:
        return PendingReset.RESYNC
    return PendingReset.RESET if spec.reset else PendingReset.NONE
