"""How large audiences are over time: one count a day, one after each run, and whatever people calculate.

Nobody decides these numbers, so they are no audit entries. Only counts are kept; who was in an audience is the
warehouse's to know.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch
from django.utils import timezone

from audiences.choices import CalculationKind, SizeReason
from audiences.definitions import subsets_of
from audiences.models import Audience, AudienceSize, AudienceSubset, Calculation
from config.queue import enqueue
from workspaces.scoping import unscoped

AT_ONCE = 100
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
    from audiences.tasks import calculate

    midnight = datetime.combine(now.date(), time.min, now.tzinfo)
    with unscoped("audiences of all workspaces are counted by the same scheduler"), transaction.atomic():
        counted = AudienceSize.objects.filter(audience=OuterRef("pk"), at__gte=midnight)
        today = Calculation.objects.filter(kind=CalculationKind.DAILY, created_at__gte=midnight)
        asked = today.filter(audience=OuterRef("pk"))
        rows = Audience.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        rows = rows.filter(~Exists(counted), ~Exists(asked), parent_model__archived_at=None).order_by("pk")
        due = rows.prefetch_related(Prefetch("chosen", AudienceSubset.objects.select_related("subset")))[:AT_ONCE]
        made = Calculation.objects.bulk_create(
            Calculation(
                workspace_id=audience.workspace_id,
                parent_model_id=audience.parent_model_id,
                audience=audience,
                kind=CalculationKind.DAILY,
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
