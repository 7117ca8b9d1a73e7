"""Looking at a model's values: its key, how many rows, and the values that filters suggest.

Asking for a look is a person's or the schedule's; the look itself is a worker's, and what it finds is no audit
entry: it is no decision of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audiences import access
from audiences.choices import STUDIO, Every, LookState
from audiences.models import SchemaColumn, SchemaModel
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.areas import off
from workspaces.scoping import unscoped

# A look that was begun so long ago died with its worker.
LOST_AFTER = timedelta(minutes=30)
AT_ONCE = 100


@service("schema_model.looked_at")
def look_at_values(*, actor: Actor, model: SchemaModel) -> SchemaModel:
    """Let a worker count the model's rows and find the values that filters suggest."""
    model = access.schema_model_to_look_at(actor, model.pk)
    if model.looking:
        unchanged()
        return model
    ask_to_look(model)
    record(model)
    return model


def ask_to_look(model: SchemaModel) -> None:
    """Let a worker look at a locked or new model's values after the commit; for services and the scheduler."""
    from audiences.tasks import look_at_model

    model.look_state, model.look_asked_at = LookState.WAITING, timezone.now()
    model.save(update_fields=["look_state", "look_asked_at"])
    enqueue(look_at_model, model.workspace_id, model.pk)


def begin_look(model_id: int, now: datetime) -> SchemaModel | None:
    """Take a look that waits; nothing where somebody else has it."""
    with transaction.atomic():
        waiting = Q(look_state=LookState.WAITING) | Q(look_state=LookState.RUNNING, look_asked_at__lt=now - LOST_AFTER)
        rows = SchemaModel.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        model = rows.select_related("source").filter(waiting, pk=model_id).first()
        if model is None:
            return None
        model.look_state, model.look_asked_at = LookState.RUNNING, now
        model.save(update_fields=["look_state", "look_asked_at"])
        return model


def finish_look(model: SchemaModel, counts: Sequence[int], values: Mapping[str, tuple[int, list[Any]]]) -> None:
    """Store what a look found: (rows, empty keys, repeated keys), and each column's (different values, suggestions)."""
    with transaction.atomic():
        columns = list(SchemaColumn.objects.select_for_update(no_key=True).filter(model=model))
        for column in columns:
            hidden = column.redacted or not column.suggest  # maybe only since the look began
            column.different, column.suggestions = (None, []) if hidden else values.get(column.name, (None, []))
        SchemaColumn.objects.bulk_update(columns, ["different", "suggestions"])
        rows, empty, repeated = counts
        _end(model, LookState.DONE, rows=rows, key_empty=empty, key_repeated=repeated, look_error="")


def fail_look(model: SchemaModel, words: str) -> None:
    """Store why a look failed; what was known before stays."""
    _end(model, LookState.FAILED, look_error=words[:2000])


def _end(model: SchemaModel, state: LookState, **found: Any) -> None:
    running = SchemaModel.objects.filter(pk=model.pk, look_asked_at=model.look_asked_at)
    running.update(look_state=state, looked_at=timezone.now(), **found)


def ask_for_due_looks(now: datetime) -> int:
    """Look again at what is due, and at what no worker took: for the scheduler."""
    due = Q(look_state=LookState.WAITING, look_asked_at__lt=now - timedelta(minutes=1))
    due |= Q(look_state=LookState.RUNNING, look_asked_at__lt=now - LOST_AFTER)
    for every in Every:
        if span := every.span:
            due |= Q(look_every=every, look_state__in=(LookState.DONE, LookState.FAILED), looked_at__lt=now - span)
    with unscoped("schema models of all workspaces are looked at by the same scheduler"), transaction.atomic():
        rows = SchemaModel.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        models = list(rows.exclude(off(STUDIO)).filter(due, archived_at=None).order_by("look_asked_at")[:AT_ONCE])
        for model in models:
            ask_to_look(model)
    return len(models)
