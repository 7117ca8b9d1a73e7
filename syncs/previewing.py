"""Making a preview: the query and comparison of a run, in a folder of its own, with nothing moved or sent."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from config.errors import HeadraceError
from connectors.access import open_source
from connectors.sdk.errors import ConnectorError
from syncs import engine
from syncs.codec import dump, load
from syncs.engine import Cancelled, EngineError
from syncs.engine.guardrails import breaches
from syncs.engine.rendering import first_requests
from syncs.engine.spec import Baseline, Failure, Prepared, RowStatus, RunSpec
from syncs.models import Preview
from syncs.privacy.tombstones import forgotten_rows
from syncs.runspec import preview_directory
from syncs.services import previews
from syncs.services.drafts import as_if_published
from syncs.services.previews import PreviewClaim
from syncs.storage import storage, workdir
from syncs.trial import trial_of, without_secrets

logger = logging.getLogger(__name__)
BEAT_SECONDS = 1.0


def work(preview_id: int) -> None:
    """Make a preview, unless it is made, being made or given up."""
    held = previews.claim_preview(preview_id)
    if held is None:
        return
    related = Preview.objects.select_related("sync__model__source", "sync__destination", "draft")
    preview = related.get(pk=preview_id)
    sync = preview.sync
    directory = f"{preview_directory(sync.workspace_id, sync.pk, preview_id)}/{held.epoch}"
    kept = False
    try:
        kept = _make(preview, held, directory)
    except Cancelled:
        logger.info("preview %s was given up", preview_id)
    except (ConnectorError, EngineError, HeadraceError) as error:
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        previews.fail_preview(held, without_secrets(sync, failure))
    except Exception as error:
        logger.exception("preview %s failed", preview_id)
        failure = Failure(code="internal_error", message=f"{type(error).__name__}: {error}"[:2000])
        previews.fail_preview(held, without_secrets(sync, failure))
    finally:
        if not kept:
            storage().delete_tree(directory)


def delete_files(workspace_id: int, sync_id: int, preview_id: int) -> None:
    """Delete what an expired preview has found."""
    storage().delete_tree(preview_directory(workspace_id, sync_id, preview_id))


def _make(preview: Preview, held: PreviewClaim, directory: str) -> bool:
    watch = _Watch(held)
    sync, found = as_if_published(preview) if preview.draft else (preview.sync, None)
    trial = trial_of(sync, found)
    spec = replace(trial.spec, directory=directory)
    baseline = load(Baseline, sync.baseline) if sync.baseline else None
    prepared = engine.prepare(
        spec,
        open_source(sync.model.source),
        storage(),
        baseline,
        workdir=workdir(),
        memory_mb=settings.ENGINE_MEMORY_MB,
        threads=settings.ENGINE_THREADS,
        progress=watch.progress,
        check_cancel=watch.check,
        forgotten=forgotten_rows(sync.model_id, spec.primary_key),
    )
    plan = engine.explain(
        engine.make_plan(spec, baseline, prepared), model=f"“{sync.model}”", destination=f"“{sync.destination}”"
    )
    requests: Sequence[dict[str, Any]] = [
        dump(exchange) for exchange in first_requests(spec, trial.job, trial.destination, prepared, storage())
    ]
    return previews.finish_preview(
        held, spec, prepared, plan=plan, warnings=breaches(spec, baseline, prepared), requests=requests
    )


class _Watch:
    """Tells how far the work is about once a second, and learns whether anybody still wants it."""

    def __init__(self, held: PreviewClaim) -> None:
        self._held = held
        self._rows = 0
        self._told = 0.0

    def progress(self, stage: str, rows: int) -> None:
        """Remember how many rows have come."""
        self._rows = rows

    def check(self) -> None:
        """Raise :class:`Cancelled` once the preview was given up or taken over."""
        if time.monotonic() - self._told < BEAT_SECONDS:
            return
        self._told = time.monotonic()
        if not previews.beat_preview(self._held, self._rows):
            raise Cancelled("Nobody waits for this preview.")


def found(preview: Preview) -> engine.RunLog | None:
    """The rows that a finished preview has found."""
    if preview.prepared is None or preview.spec is None:
        return None
    spec, prepared = load(RunSpec, preview.spec), load(Prepared, preview.prepared)
    return engine.RunLog(storage(), spec, prepared, untold=RowStatus.PLANNED)
