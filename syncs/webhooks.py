"""What webhooks are told of runs: no row values, no secrets."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from notifications.services.webhook_outbox import publish
from syncs.alerting.scrubbing import scrubbed
from syncs.choices import RunStatus
from syncs.models import Run
from workspaces.models import Workspace

_STARTED = RunStatus.ENQUEUED


def tell_webhooks(run: Run) -> None:
    """Write the event of the run's present status, in the transaction that gave it this status."""
    status = RunStatus(run.status)
    name = "run.started" if status is _STARTED else f"run.{status.value}"
    publish(name, _facts(run), at=timezone.now())


def _facts(run: Run) -> dict[str, Any]:
    sync = run.sync
    slug = Workspace.objects.values_list("slug", flat=True).get(pk=run.workspace_id)
    return {
        "workspaceId": str(run.workspace_id),
        "syncId": str(sync.pk),
        "syncName": str(sync),
        "modelId": str(sync.model_id),
        "destinationId": str(sync.destination_id),
        "runId": str(run.pk),
        "runNumber": run.number,
        "status": run.status,
        "trigger": run.trigger,
        "createdAt": run.created_at.isoformat(),
        "startedAt": run.started_at and run.started_at.isoformat(),
        "finishedAt": run.finished_at and run.finished_at.isoformat(),
        "rows": {
            "queried": run.queried,
            "planned": _by_operation(run, "planned"),
            "succeeded": _by_operation(run, "succeeded"),
            "rejected": _by_operation(run, "rejected"),
            "aborted": _by_operation(run, "aborted"),
        },
        "error": {"code": run.error_code, "message": scrubbed(run.error_message)} if run.error_code else None,
        "url": settings.BASE_URL + reverse("syncs:run", args=[slug, sync.pk, run.pk]),
    }


def _by_operation(run: Run, what: str) -> dict[str, int]:
    return {operation: getattr(run, f"{what}_{operation}") for operation in ("added", "changed", "removed")}
