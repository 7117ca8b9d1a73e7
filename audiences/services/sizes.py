"""How large audiences are over time: one count a day, one after each run, and whatever people calculate.

Nobody decides these numbers, so they are no audit entries. Only counts are kept; who was in an audience is the
warehouse's to know.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet, Subquery
from django.utils import timezone

from audiences.choices import STUDIO, CalculationKind, SizeReason
from audiences.definitions import subsets_of
from audiences.models import Audience, AudienceSize, AudienceSubset, Calculation
from config.queue import enqueue
from syncs.choices import RunStatus
from syncs.models import Sync
from workspaces.areas import off
from workspaces.scoping import unscoped

AT_ONCE = 100
SENT = (RunStatus.SUCCEEDED, RunStatus.WARNING)
KEPT = timedelta(days=400)


def store_size(audience: Audience, members: int, reason: SizeReason, *, at: datetime | None = None) -> AudienceSize:
    """Keep how many members an audience has: all of them in its subsets, before what a sync leaves out."""
    moment = at or timezone.now()
    with transaction.atomic():
        Audience.objects.filter(pk=audience.pk).update(size=members, sized_at=moment)
        return AudienceSize.objects.create(
            workspace_id=audience.workspace_id, audience=audience, at=moment, members=members, reason=reason
        )


def ask_for_daily_sizes(now: datetime) -> int:
    """Let workers count the audiences that nobody has counted today (in UTC): for the scheduler.

    One attempt a day: a source that does not answer is not asked again and again.
    """
    midnight = datetime.combine(now.date(), time.min, now.tzinfo)
    with unscoped("audiences of all workspaces are counted by the same scheduler"), transaction.atomic():
        counted = AudienceSize.objects.filter(audience=OuterRef("pk"), at__gte=midnight)
        today = Calculation.objects.filter(kind=CalculationKind.DAILY, created_at__gte=midnight)
        asked = today.filter(audience=OuterRef("pk"))
        return _ask(_free().filter(~Exists(counted), ~Exists(asked)), CalculationKind.DAILY)


def ask_for_sizes_after_runs() -> int:
    """Let workers count the audiences that a run has sent since they were counted: once for each, for the scheduler."""
    with unscoped("audiences of all workspaces are counted by the same scheduler"), transaction.atomic():
        runs = Sync.objects.filter(model=OuterRef("model"), last_run__status__in=SENT)
        ended = runs.order_by("-last_run__finished_at").values("last_run__finished_at")[:1]
        counted = AudienceSize.objects.filter(audience=OuterRef("pk"), at__gte=OuterRef("ended"))
        asked = Calculation.objects.filter(
            audience=OuterRef("pk"), kind=CalculationKind.RUN, created_at__gte=OuterRef("ended")
        )
        due = _free().filter(model__isnull=False).annotate(ended=Subquery(ended)).filter(ended__isnull=False)
        return _ask(due.filter(~Exists(counted), ~Exists(asked)), CalculationKind.RUN)


def _free() -> QuerySet[Audience]:
    """The audiences that nobody else is asking about, locked."""
    rows = Audience.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return rows.exclude(off(STUDIO)).filter(parent_model__archived_at=None).order_by("pk")


def _ask(rows: QuerySet[Audience], kind: CalculationKind) -> int:
    from audiences.tasks import calculate

    due = rows.prefetch_related(Prefetch("chosen", AudienceSubset.objects.select_related("subset")))[:AT_ONCE]
    made = Calculation.objects.bulk_create(
        Calculation(
            workspace_id=audience.workspace_id,
            parent_model_id=audience.parent_model_id,
            audience=audience,
            kind=kind,
            definition=audience.definition,
            subset_ids=sorted(subset.pk for subset in subsets_of(audience)),
        )
        for audience in due
    )
    for calculation in made:
        enqueue(calculate, calculation.workspace_id, calculation.pk)
    return len(made)


def forget_old_sizes(now: datetime) -> int:
    """Delete sizes that are too old for any chart: for the scheduler."""
    with unscoped("sizes of all workspaces are deleted by the same scheduler"):
        return AudienceSize.objects.filter(at__lt=now - KEPT).delete()[0]
