"""Room for destinations: none may hold more than its part of the workers' deliveries.

A destination that hangs keeps its deliveries waiting for as long as its time-outs
allow. With a part of the workers for each, it slows no other.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from config.queue import enqueue
from connectors.models import Destination
from syncs.choices import StepKind, StepState
from syncs.models import RunStep
from syncs.tasks import deliver_step

PARTS = 4


def most_at_once() -> int:
    """How many deliveries one destination may have at work, over all its syncs."""
    return max(1, settings.DELIVERY_THREADS * settings.WORKER_PROCESSES // PARTS)


def is_full(sync_id: int) -> bool:
    """Whether the destination of this sync has all the deliveries it may have; others ask after our transaction."""
    Destination.objects.select_for_update(no_key=True, of=("self",)).get(syncs=sync_id)
    at_work = _deliveries(sync_id).filter(state=StepState.RUNNING, lease_until__gte=Now())
    return at_work.count() >= most_at_once()


def call_next(sync_id: int) -> None:
    """Tell the workers of a delivery that waits for room at the destination of this sync."""
    waiting = _deliveries(sync_id).filter(state=StepState.WAITING, available_at__lte=Now())
    step = waiting.order_by("sent_at").first()
    if step is not None:
        enqueue(deliver_step, step.workspace_id, step.pk)


def _deliveries(sync_id: int) -> QuerySet[RunStep]:
    same_destination = {"run__sync__destination__syncs": sync_id}
    return RunStep.objects.filter(kind=StepKind.DELIVER, run__finished_at__isnull=True, **same_destination)
