"""Who looked at row values: one entry of the audit log for a person, a thing and a kind of look in a few minutes.

The gates that show values call this (``selectors/rows.py``, ``selectors/previews.py``, ``services/trying.py``), so that
no page and no endpoint can forget it. Entries say what was shown, never a value.
"""

from __future__ import annotations

from enum import StrEnum

from governance.audit.actors import Actor
from governance.audit.services import record_event
from syncs.models import Preview, Run, Sync

# One entry for a run and kind of look: people go through many runs, and a look that is left out proves nothing.
MOST_LOOKS = 1_000


class Shown(StrEnum):
    """What somebody saw."""

    ROWS = "rows"
    REQUESTS = "requests"
    TEST_ROWS = "rows to test with"


def note_run_seen(actor: Actor, run: Run, shown: Shown) -> None:
    """Somebody opened rows or requests of a run."""
    _note(actor, run.sync, "run", run.pk, f"{run.sync} {run}", {"shown": shown.value, "run": run.number})


def note_preview_seen(actor: Actor, preview: Preview, shown: Shown) -> None:
    """Somebody opened what a run would send."""
    _note(actor, preview.sync, "sync", preview.sync_id, str(preview.sync), {"shown": f"{shown} of a preview"})


def note_rows_to_try_seen(actor: Actor, sync: Sync) -> None:
    """Somebody opened the rows from which one is chosen to try a sync out."""
    _note(actor, sync, "sync", sync.pk, str(sync), {"shown": Shown.TEST_ROWS.value})


def _note(actor: Actor, sync: Sync, kind: str, pk: int, label: str, details: dict[str, object]) -> None:
    record_event(
        "rows.viewed",
        actor=actor,
        organization_id=lambda: sync.workspace.organization_id,
        workspace_id=sync.workspace_id,
        resource_type=kind,
        resource_id=pk,
        label=label,
        details=details,
        most=MOST_LOOKS,
    )
