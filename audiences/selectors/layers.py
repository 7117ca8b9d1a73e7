"""The waterfalls of runs."""

from __future__ import annotations

from django.db.models import QuerySet

from audiences.choices import CalculationKind, CalculationState
from audiences.models import Calculation
from syncs.models import Run, Sync


def runs_with_layers(sync: Sync) -> QuerySet[Run]:
    """The runs of an audience's sync that got so far as to know their rows, newest first, with their layers."""
    return Run.objects.filter(sync=sync, prepared__isnull=False).select_related("layers").order_by("-id")


def is_being_counted(run: Run) -> bool:
    """Whether the source is still being asked how many each layer left for a run."""
    live = (CalculationState.WAITING, CalculationState.RUNNING)
    return Calculation.objects.filter(kind=CalculationKind.LAYERS, question={"run": run.pk}, state__in=live).exists()
