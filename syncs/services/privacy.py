"""What an erasure writes about syncs: holds, tombstones, baselines and texts. The case is audited, not each of these.

Every write that could do harm from a worker that lost its case asks first whether the
sync is still held for that case.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from connectors.secrets import encrypt
from notifications.models import Notification
from syncs.choices import PreviewState, StepKind, StepState, Trigger
from syncs.codec import dump, load
from syncs.engine.erasing import ERASED
from syncs.engine.forgetting import digest
from syncs.engine.spec import Baseline
from syncs.models import (
    AlertState,
    AlertTransition,
    ForgetKey,
    Preview,
    Run,
    RunStep,
    Sync,
    Tombstone,
)
from syncs.privacy.tombstones import context_of, secret_of
from syncs.services.beginning import begin_run
from workspaces.scoping import current_workspace_id

SECRET_BYTES = 32


class HoldLost(Exception):
    """The sync is no longer held for this case: another worker has gone on with it."""


@transaction.atomic
def hold_syncs(case_id: int, sync_ids: Collection[int]) -> list[str]:
    """Let no run of these syncs start; what is in the way, in words. Those that are free are held already."""
    busy = []
    for sync in Sync.objects.select_for_update(no_key=True).filter(pk__in=sync_ids).order_by("pk"):
        if sync.erasing_for not in (None, case_id):
            busy.append(f"Another person is being erased from “{sync}”.")
        elif (run := sync.runs.filter(finished_at__isnull=True).first()) is not None:
            busy.append(f"Run {run.number} of “{sync}” is going on.")
        elif RunStep.objects.filter(run__sync=sync, kind=StepKind.LOG).exclude(state=StepState.DONE).exists():
            busy.append(f"Logs of “{sync}” are being written into the warehouse.")
        elif sync.erasing_for is None:
            sync.erasing_for = case_id
            sync.save(update_fields=["erasing_for"])
    return busy


@transaction.atomic
def release_syncs(case_id: int) -> None:
    """Nothing is left to erase: runs may start, and need not look for the person in what was there before."""
    Tombstone.objects.filter(case_id=case_id).update(fresh=False)
    Sync.objects.filter(erasing_for=case_id).update(erasing_for=None)


@transaction.atomic
def place_tombstones(case_id: int, keys: Mapping[tuple[int, str], Collection[str]]) -> int:
    """From now on runs leave these rows out; ``keys`` by model and primary key column. How many are new."""
    if not any(keys.values()):
        return 0
    key = forget_key()
    secret = secret_of(key)
    rows = [
        Tombstone(
            workspace_id=key.workspace_id,
            model_id=model_id,
            column=column,
            key=key,
            digest=digest(secret, context_of(model_id, column), value),
            case_id=case_id,
        )
        for (model_id, column), values in keys.items()
        for value in sorted(values)
    ]
    before = Tombstone.objects.count()
    Tombstone.objects.bulk_create(rows, ignore_conflicts=True)
    return Tombstone.objects.count() - before


@transaction.atomic
def start_removal(case_id: int, sync_id: int, label: str) -> Run:
    """A run that finds the person's row gone, and removes it. Raises what keeps runs of the sync from starting."""
    sync = _held(sync_id, case_id)
    sync.erasing_for = None
    run = begin_run(sync, trigger=Trigger.MANUAL, actor_label=label, now=timezone.now())
    sync.erasing_for = case_id
    sync.save(update_fields=["erasing_for"])
    return run


@transaction.atomic
def move_baseline(sync_id: int, case_id: int, *, before: Baseline, after: Baseline) -> None:
    """The sync compares with other files from now on; runs that named the old ones name the new ones."""
    sync = _held(sync_id, case_id)
    if load(Baseline, sync.baseline) != before:
        raise HoldLost(f"the baseline of sync {sync_id} has moved")
    sync.baseline = dump(after)
    sync.save(update_fields=["baseline"])
    for run in Run.objects.select_for_update(no_key=True).filter(sync=sync, prepared__spool=before.spool):
        run.prepared = {**(run.prepared or {}), "spool": after.spool}
        run.save(update_fields=["prepared"])


@transaction.atomic
def count_out(sync_id: int, *, rows: int, unsettled: int) -> None:
    """Rows that were deleted from the baseline's tables count no longer."""
    sync = Sync.objects.select_for_update(no_key=True).get(pk=sync_id)
    known = load(Baseline, sync.baseline)
    known = replace(known, rows=max(0, known.rows - rows), unsettled=max(0, known.unsettled - unsettled))
    sync.baseline = dump(known)
    sync.save(update_fields=["baseline"])


@transaction.atomic
def delete_previews(sync_id: int, case_id: int) -> int:
    """Previews of the sync, those that are being made too; how many."""
    _held(sync_id, case_id)
    rows = Preview.objects.filter(sync_id=sync_id)
    rows.filter(finished_at__isnull=True).update(state=PreviewState.CANCELLED, finished_at=timezone.now())
    return int(rows.delete()[0])


TEXTS: tuple[tuple[str, type[models.Model], tuple[str, ...]], ...] = (
    ("Errors of runs", Run, ("error_message", "error_hint")),
    ("Errors of stages", RunStep, ("outcome",)),
    ("Alerts", AlertState, ("summary",)),
    ("Alert history", AlertTransition, ("summary",)),
    ("Notifications", Notification, ("message", "error", "hint")),
)


def erase_texts(texts: Sequence[str], check: Callable[[], None]) -> dict[str, int]:
    """Take these values out of messages of the workspace; rows changed by what they are."""
    counts: dict[str, int] = {}
    wanted = sorted((text for text in texts if text), key=len, reverse=True)
    for label, model, fields in TEXTS:
        check()
        for row in _holding(model, fields, wanted):
            for name in fields:
                setattr(row, name, _without(getattr(row, name), wanted))
            with transaction.atomic():
                row.save(update_fields=list(fields))
            counts[label] = counts.get(label, 0) + 1
    return counts


def _holding(model: type[models.Model], fields: Sequence[str], texts: Sequence[str]) -> Sequence[Any]:
    """Rows that hold one of the texts, JSON searched as text."""
    from django.db.models import Q, TextField
    from django.db.models.functions import Cast

    if not fields or not texts:
        return ()
    rows = model._default_manager.annotate(**{f"{name}_text": Cast(name, TextField()) for name in fields})
    found = Q()
    for name in fields:
        for text in texts:
            found |= Q(**{f"{name}_text__icontains": text})
    return list(rows.filter(found))


def _without(value: Any, texts: Sequence[str]) -> Any:
    """The value with the texts replaced, whatever their case; JSON keeps its shape."""
    if isinstance(value, str):
        for text in texts:
            start = value.lower().find(text.lower())
            while start >= 0:
                value = value[:start] + ERASED + value[start + len(text) :]
                start = value.lower().find(text.lower(), start + len(ERASED))
        return value
    if isinstance(value, dict):
        return {name: _without(inner, texts) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, texts) for inner in value]
    return value


def _held(sync_id: int, case_id: int) -> Sync:
    rows = Sync.objects.select_for_update(no_key=True, of=("self",)).select_related("model__source", "destination")
    sync = rows.filter(pk=sync_id, erasing_for=case_id).first()
    if sync is None:
        raise HoldLost(f"sync {sync_id} is not held for case {case_id}")
    return sync


def forget_key() -> ForgetKey:
    """The secret that keys of the workspace are hashed with; made when it is first needed. In a transaction."""
    return ForgetKey.objects.select_for_update(no_key=True).order_by("-id").first() or _new_key()


def _new_key() -> ForgetKey:
    sealed = encrypt({"secret": b64encode(secrets.token_bytes(SECRET_BYTES)).decode()})
    return ForgetKey.objects.create(workspace_id=current_workspace_id(), sealed=sealed)
