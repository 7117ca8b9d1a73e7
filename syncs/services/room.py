"""Room for destinations: none may hold more than its part of the workers' deliveries.

A destination that hangs keeps its deliveries waiting for as long as its time-outs
allow. Each gets a part of what the others leave free, so that one slows no other,
and several that hang at once leave room for those that do not.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from config.postgres.compiled import Compiled
from config.queue import enqueue
from connectors.models import Destination
from syncs.choices import StepKind, StepState
from syncs.models import RunStep
from syncs.tasks import deliver_step
from workspaces.scoping import unscoped

PARTS = 4


def most_at_once(elsewhere: int = 0) -> int:
    """How many deliveries one destination may have at work, over all its syncs, while others have so many."""
    free = settings.DELIVERY_THREADS * settings.WORKER_PROCESSES - elsewhere
    return max(1, free // PARTS)


def is_full(sync_id: int) -> bool:
    """Whether the destination of this sync has all the deliveries it may have; others ask after our transaction."""
    _LOCKED.get(sync=sync_id)
    at_work = Q(state=StepState.RUNNING, lease_until__gte=Now())
    here = _deliveries(sync_id).filter(at_work).count()
    if here == 0 or here >= most_at_once():
        return here > 0
    with unscoped("the threads of the workers are shared by all workspaces"):
        everywhere = RunStep.objects.filter(at_work, kind=StepKind.DELIVER).count()
    return here >= most_at_once(everywhere - here)


def call_next(sync_id: int) -> None:
    """Tell the workers of a delivery that waits for room at the destination of this sync."""
    waiting = _deliveries(sync_id).filter(state=StepState.WAITING, available_at__lte=Now())
    step = waiting.order_by("sent_at").first()
    if step is not None:
        enqueue(deliver_step, step.workspace_id, step.pk)


def _deliveries(sync_id: int) -> QuerySet[RunStep]:
    same_destination = {"run__sync__destination__syncs": sync_id}
    return RunStep.objects.filter(kind=StepKind.DELIVER, run__finished_at__isnull=True, **same_destination)


_LOCKED = Compiled(
    lambda sync: Destination.objects.select_for_update(no_key=True, of=("self",)).filter(syncs=sync).only("pk"),
    "sync",
    walled=True,
)
