"""Writes to relationships: how models belong to each other, directly or through others, and what is merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audiences import access
from audiences.choices import Cardinality
from audiences.dependants import Dependant, sentence
from audiences.models import Relationship, SchemaModel, ThroughStep
from audiences.paths import Path, paths_between
from audiences.selectors.traits import traits_along
from audiences.selectors.uses import users_of
from audiences.services.syncing import follow_schema
from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged

MAX_KEYS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """How a model belongs to another, read from the model: ``keys`` are pairs of (its column, the other's).

    ``merged`` are columns of the other that also read as columns of the model.
    """

    other: SchemaModel
    cardinality: Cardinality
    keys: tuple[tuple[str, str], ...]
    merged: tuple[str, ...] = ()
    name: str = ""


@service("relationship.created")
def create_relationship(*, actor: Actor, model: SchemaModel, tie: Tie) -> Relationship:
    """Let two models of one source belong together."""
    model = access.schema_model_to_change(actor, model.pk)
    check_tie(tie, model, _names(model))
    made = add_tie(model, tie)
    follow_schema(model)
    record(made, after=in_words(made), label=str(made))
    return made


@service("relationship.updated")
def update_relationship(*, actor: Actor, relationship: Relationship, model: SchemaModel, tie: Tie) -> Relationship:
    """Change a relationship as it is read from ``model``, one of its two."""
    row = access.relationship_to_change(actor, relationship.pk)
    if model.pk not in (row.from_model_id, row.to_model_id):
        raise Invalid("This relationship is not one of that model.")
    if row.steps.exists():
        raise Conflict("This relationship goes through others.", hint="Change those, or delete this one and add it.")
    check_tie(tie, model, _names(model))
    before = in_words(row)
    turn = row.merged and row.from_model_id != model.pk and tie.other.pk == row.from_model_id and not tie.merged
    if turn and tie.cardinality.turned.single:
        # What is merged into the other model stays: only that side shows it.
        row.cardinality, row.keys = tie.cardinality.turned, [[theirs, mine] for mine, theirs in tie.keys]
        row.merged = [name for name in row.merged if name in _names(model)]
        row.name = _clean(tie.name)
    else:
        row.from_model, row.to_model = model, tie.other
        row.cardinality, row.keys = tie.cardinality, [list(pair) for pair in tie.keys]
        row.merged, row.name = list(tie.merged), _clean(tie.name)
    changed = changes(before, in_words(row))
    if not changed:
        unchanged()
        return row
    _require_paths(row)
    row.save()
    follow_schema(model)
    record(row, before=changed.before, after=changed.after, label=str(row))
    return row


@service("relationship.created")
def create_through(*, actor: Actor, model: SchemaModel, path: Sequence[int], name: str = "") -> Relationship:
    """Reach a model through others: ``path`` are the ids of the direct relationships on the way."""
    model = access.schema_model_to_change(actor, model.pk)
    found = _path(model, path)
    same = Relationship.objects.filter(from_model=model, to_model_id=found.to.pk, steps__isnull=False).distinct()
    if any([step.relationship_id for step in other.steps.all()] == list(path) for other in same):
        raise Conflict(f"{found.to.name} is already reached that way.")
    made = Relationship.objects.create(
        workspace_id=model.workspace_id,
        from_model=model,
        to_model=found.to,
        name=_clean(name),
        cardinality=Cardinality.ONE_TO_ONE if found.single else Cardinality.ONE_TO_MANY,
    )
    ThroughStep.objects.bulk_create(
        ThroughStep(workspace_id=model.workspace_id, through=made, relationship_id=pk, position=position)
        for position, pk in enumerate(path)
    )
    record(made, after={**in_words(made), "through": [str(step) for step in found.steps]}, label=str(made))
    return made


@service("relationship.deleted")
def delete_relationship(*, actor: Actor, relationship: Relationship) -> None:
    """Delete a relationship that no other goes through, and no trait and no condition takes."""
    row = access.relationship_to_change(actor, relationship.pk)
    if through := list(Relationship.objects.filter(steps__relationship=row).select_related("from_model", "to_model")):
        names = ", ".join(f"“{each}”" for each in through[:6])
        raise Conflict(f"Other relationships go through this one: {names}.", hint="Delete these first.")
    traits = [Dependant("trait", each.name, each.get_absolute_url()) for each in traits_along(row.from_model, row.pk)]
    if users := list(dict.fromkeys([*traits, *users_of(actor, "relationship", row.pk)])):
        raise Conflict(f"This relationship is used by {sentence(users)}.", hint="Change or delete these first.")
    record(row, before=in_words(row), label=str(row))
    row.delete()


def add_tie(model: SchemaModel, tie: Tie) -> Relationship:
    """Store a checked relationship; for services."""
    return Relationship.objects.create(
        workspace_id=model.workspace_id,
        from_model=model,
        to_model=tie.other,
        cardinality=tie.cardinality,
        keys=[list(pair) for pair in tie.keys],
        merged=list(tie.merged),
        name=_clean(tie.name),
    )


def check_tie(tie: Tie, model: SchemaModel, columns: Sequence[str]) -> None:
    """Raise unless both models can be joined like this."""
    if tie.other.pk == model.pk:
        raise Invalid.field("other", f"{model.name} cannot belong to itself: choose another model.")
    if tie.other.source_id != model.source_id:
        raise Invalid.field("other", "Models belong together within one source.", hint="Queries cannot join sources.")
    if not tie.keys:
        raise Invalid.field("keys", "Choose the columns whose values are the same in both models.")
    if len(tie.keys) > MAX_KEYS:
        raise Invalid.field("keys", f"At most {MAX_KEYS} pairs of columns.")
    theirs = _names(tie.other)
    for mine, other in tie.keys:
        for name, known, whose in ((mine, columns, model.name), (other, theirs, tie.other.name)):
            if name not in known:
                raise Invalid.field("keys", f"{whose} has no column “{name}”.")
    if len(set(tie.keys)) < len(tie.keys):
        raise Invalid.field("keys", "A pair of columns is there twice.")
    _check_merged(tie, theirs)


def _check_merged(tie: Tie, theirs: Sequence[str]) -> None:
    if not tie.merged:
        return
    if not tie.cardinality.single:
        raise Invalid.field(
            "merged",
            f"Columns of {tie.other.name} cannot be merged: several of its rows may belong to one.",
            hint="Merge only along relationships that lead to one row.",
        )
    if lost := [name for name in tie.merged if name not in theirs]:
        raise Invalid.field("merged", f"{tie.other.name} has no column “{lost[0]}”.")


def in_words(row: Relationship) -> dict[str, Any]:
    """A relationship as an audit entry shows it."""
    return {
        "from": row.from_model.name,
        "to": row.to_model.name,
        "cardinality": str(row.cardinality),
        "keys": [f"{mine} = {theirs}" for mine, theirs in row.keys],
        "merged": list(row.merged),
        "name": row.name,
    }


def _require_paths(row: Relationship) -> None:
    """Raise where a relationship that goes through this one would lead nowhere after the change."""
    old = {row.from_model_id, row.to_model_id}
    stored = Relationship.objects.get(pk=row.pk)
    if old == {stored.from_model_id, stored.to_model_id}:
        return
    if row.used_by.exists():
        raise Conflict(
            "Other relationships go through this one, so its models stay.", hint="Delete those that go through it."
        )


def _path(model: SchemaModel, wanted: Sequence[int]) -> Path:
    for path in paths_between(model):
        if [step.pk for step in path.steps] == list(wanted):
            return path
    raise Invalid.field("path", "Choose a way from this model to another, through direct relationships.")


def _names(model: SchemaModel) -> list[str]:
    return list(model.columns.filter(missing=False).values_list("name", flat=True))


def _clean(name: str) -> str:
    return " ".join(name.split())[:200]
