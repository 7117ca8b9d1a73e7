"""Previews of runs: asking for one, giving it up, and what its worker writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from config.queue import enqueue
from connectors.access import require_ready
from governance.approvals.choices import OPEN
from governance.approvals.models import Draft
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs import access
from syncs.choices import PreviewState
from syncs.codec import dump
from syncs.engine.guardrails import Breach
from syncs.engine.spec import Failure, Prepared, RunSpec
from syncs.models import Preview, Sync
from syncs.retention import past

REVIEW_TIME = timedelta(days=14)
SILENCE = timedelta(seconds=30)
MAX_IMPACTS = 20
_FREE = Q(state=PreviewState.WAITING)


@dataclass(frozen=True, slots=True)
class PreviewClaim:
    """A worker's hold on a preview."""

    preview_id: int
    epoch: int


@service("sync.previewed")
def start_preview(*, actor: Actor, sync: Sync) -> Preview:
    """Find out what a run would do; where somebody asked a moment ago, that preview is the answer."""
    sync = access.sync_to_trigger(actor, sync.pk)
    require_ready(sync.model.source)
    require_ready(sync.destination)
    if (going := Preview.objects.filter(sync=sync, draft=None, finished_at__isnull=True).first()) is not None:
        unchanged()
        return going
    now = timezone.now()
    made = Preview.objects.create(
        workspace_id=sync.workspace_id, sync=sync, actor_label=actor.label[:320], created_at=now, beat_at=now
    )
    _send(made)
    record(sync, after={"preview": made.pk})
    return made


@service("sync.preview_cancelled")
def cancel_preview(*, actor: Actor, preview: Preview) -> Preview:
    """Stop making a preview; nothing of it is kept."""
    sync = access.sync_to_trigger(actor, preview.sync_id)
    preview = Preview.objects.select_for_update(no_key=True).get(pk=preview.pk)
    if not preview.live:
        unchanged()
        return preview
    preview.state, preview.finished_at = PreviewState.CANCELLED, timezone.now()
    preview.save(update_fields=["state", "finished_at"])
    record(sync, before={"preview": preview.pk})
    return preview


def begin_impact(draft: Draft, syncs: QuerySet[Sync]) -> None:
    """Find out what publishing this revision of a draft would do to rows, giving up what earlier ones would.

    To be called in the transaction of the draft's service. At most :data:`MAX_IMPACTS` syncs are looked at.
    """
    now = timezone.now()
    earlier = Preview.objects.filter(draft=draft, finished_at__isnull=True)
    earlier.update(state=PreviewState.CANCELLED, finished_at=now)
    for sync in syncs.order_by("pk")[:MAX_IMPACTS]:
        made = Preview.objects.create(
            workspace_id=draft.workspace_id,
            sync=sync,
            draft=draft,
            draft_revision=draft.revision,
            actor_label=draft.requested_label,
            created_at=now,
            beat_at=now,
        )
        _send(made)


def claim_preview(preview_id: int) -> PreviewClaim | None:
    """Take a preview that waits, or whose worker went silent; nothing where somebody makes it."""
    now = timezone.now()
    free = _FREE | Q(state=PreviewState.RUNNING, beat_at__lt=now - SILENCE)
    taken = Preview.objects.filter(free, pk=preview_id).update(
        state=PreviewState.RUNNING, epoch=F("epoch") + 1, beat_at=now, queried=0
    )
    return PreviewClaim(preview_id, Preview.objects.get(pk=preview_id).epoch) if taken else None


def beat_preview(held: PreviewClaim, queried: int) -> bool:
    """Tell that the worker lives and how far it is; false where nobody waits for it any more."""
    return bool(_held(held).update(beat_at=timezone.now(), queried=queried))


def finish_preview(
    held: PreviewClaim,
    spec: RunSpec,
    prepared: Prepared,
    *,
    plan: Sequence[str],
    warnings: Sequence[Breach],
    requests: Sequence[dict[str, Any]],
) -> bool:
    """Store what was found."""
    return _end(
        held,
        PreviewState.READY,
        spec=dump(spec),
        prepared=dump(prepared),
        queried=prepared.queried,
        plan=list(plan),
        warnings=[breach.words for breach in warnings],
        requests=list(requests),
    )


def fail_preview(held: PreviewClaim, failure: Failure) -> bool:
    """Store why there is nothing to see."""
    return _end(held, PreviewState.FAILED, error_message=failure.message, error_hint=failure.hint)


def take_expired_previews(now: datetime, *, limit: int) -> list[tuple[int, int, int]]:
    """Delete previews past their time; (workspace, sync, preview) ids whose files go next. Across all workspaces."""
    under_review = Q(draft__state__in=OPEN, created_at__gte=now - REVIEW_TIME)
    old = Preview.objects.filter(past("preview_hours", "created_at", now)).exclude(under_review)
    old = old.order_by("created_at")[:limit]
    found = list(old.values_list("workspace_id", "sync_id", "pk"))
    Preview.objects.filter(pk__in=[pk for _, _, pk in found]).delete()
    return found


@transaction.atomic
def resend_previews(now: datetime) -> int:
    """Tell the workers again of previews that nobody makes. Across all workspaces."""
    forgotten = Preview.objects.filter(finished_at__isnull=True, beat_at__lt=now - SILENCE)[:100]
    for preview in forgotten:
        _send(preview)
    return len(forgotten)


def _held(held: PreviewClaim) -> Any:
    return Preview.objects.filter(pk=held.preview_id, epoch=held.epoch, state=PreviewState.RUNNING)


def _end(held: PreviewClaim, state: PreviewState, **values: Any) -> bool:
    return bool(_held(held).update(state=state, finished_at=timezone.now(), **values))


def _send(preview: Preview) -> None:
    from syncs.tasks import work_on_preview

    enqueue(work_on_preview, preview.workspace_id, preview.pk)
