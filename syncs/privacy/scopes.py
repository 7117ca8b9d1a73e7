"""In which of a model's columns a person is looked for, as cases name it: ``12:email``."""

from __future__ import annotations

from dataclasses import dataclass

from governance.privacy.registry import ANY_COLUMN, ANY_KEY, Subject
from syncs.engine.persons import Wanted
from syncs.models import Model, ModelColumn

MOST_CHOICES = 2_000


@dataclass(frozen=True, slots=True)
class Target:
    """One model (``None``: all) and what to look for in its rows."""

    model_id: int | None
    wanted: Wanted


def target_of(subject: Subject) -> Target:
    """Where and what to search for a case's person."""
    if subject.scope in (ANY_KEY, ANY_COLUMN):
        return Target(None, Wanted(subject.value, subject.scope))
    model_id, _, column = subject.scope.partition(":")
    return Target(int(model_id), Wanted(subject.value, column))


def scope_choices() -> list[tuple[str, str]]:
    """Every column that a model still has, the key of each model first."""
    rows = (
        ModelColumn.objects.filter(missing=False)
        .select_related("model")
        .order_by("model__name", "model_id", "position")
    )
    found = list(rows[:MOST_CHOICES])
    found.sort(key=lambda row: (row.model.name, row.model_id, row.name != row.model.primary_key))
    return [(f"{row.model_id}:{row.name}", f"{row.model.name}: {row.name}{_mark(row)}") for row in found]


def _mark(row: ModelColumn) -> str:
    return " (primary key)" if row.name == row.model.primary_key else ""


def key_of_target(target: Target) -> tuple[Model, str] | None:
    """The model whose primary key the case names outright: a row of it is known by the value alone."""
    if target.model_id is None:
        return None
    model = Model.objects.filter(pk=target.model_id).first()
    if model is None or model.primary_key != target.wanted.column:
        return None
    return model, model.primary_key
