"""Starting and cancelling runs."""

from __future__ import annotations

from django.utils import timezone

from config.errors import Conflict, Invalid
from governance.audit.actors import Actor, ActorKind
from governance.audit.services import record, service, unchanged
from syncs import access
from syncs.choices import PendingReset, Trigger
from syncs.models import Run, Sync
from syncs.resync import clears
from syncs.retries import require_retry
from syncs.selectors.rows import require_export
from syncs.services.beginning import begin_retry, begin_run
from syncs.services.holds import cancel_held


@service("run.started")
def start_run(
    *, actor: Actor, sync: Sync, full_resync: bool = False, clear: bool = False, trigger: Trigger | None = None
) -> Run:
    """Run a sync now. One live run a sync.

    ``full_resync`` sends every row as added; ``clear`` empties the destination's list
    before that, which takes the rights to configure the sync and a destination that can.
    """
    sync = access.sync_to_trigger(actor, sync.pk)
    if clear:
        access.require_configure(actor, sync.model, sync.destination_id)
        if not clears(sync):
            raise Invalid("This destination cannot empty what the sync fills.", code="cannot_clear")
    reset = PendingReset.RESYNC if full_resync else PendingReset.NONE
    by = Trigger.API if actor.kind is ActorKind.API_KEY else Trigger.MANUAL
    run = begin_run(
        sync,
        trigger=trigger or by,
        actor_label=actor.label,
        now=timezone.now(),
        reset=PendingReset.CLEAR if clear else reset,
    )
    after = {"sync": sync.pk, "run": run.number, "full_resync": full_resync or clear, "cleared": clear}
    record(run, after=after, label=f"{sync} {run}")
    return run


@service("run.retried")
def retry_rows(*, actor: Actor, sync: Sync) -> Run:
    """Send the rows that earlier runs could not deliver, as they are now, and no others."""
    sync = access.sync_to_trigger(actor, sync.pk)
    require_retry(sync)
    run = begin_retry(sync, actor_label=actor.label, now=timezone.now())
    record(run, after={"sync": sync.pk, "run": run.number}, label=f"{sync} {run}")
    return run


@service("run.cancelled")
def cancel_run(*, actor: Actor, run: Run) -> Run:
    """Ask a run to stop before its next batch; what it delivered stays delivered."""
    sync = access.sync_to_trigger(actor, run.sync_id)
    access.run_for(actor, run.pk)
    run = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    if not run.live:
        raise Conflict("This run has ended.", code="run_ended")
    if run.cancel_requested_at:
        unchanged()
        return run
    run.cancel_requested_at = timezone.now()
    run.save(update_fields=["cancel_requested_at"])
    cancel_held(actor, sync, run)
    record(run, after={"sync": sync.pk, "run": run.number}, label=f"{sync} {run}")
    return run


@service("run.exported")
def record_export(*, actor: Actor, run: Run) -> None:
    """Remember that somebody took a run's rows away as a file; refused to who may not see them."""
    require_export(actor, run)
    record(run, after={"run": run.number}, label=f"{run.sync} {run}")
