"""Writes to audiences: define, change, copy, delete; and what a worker finds out about their size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audiences import access
from audiences.choices import CalculationKind, CalculationState, SizeReason
from audiences.definitions import problems_of, schema_with_audiences, subsets_of, unseen_in
from audiences.dependants import sentence
from audiences.models import Audience, Calculation, PriorityPlace, SchemaModel, Subset
from audiences.query.codec import dump, load_definition
from audiences.query.errors import InvalidTree, Problem
from audiences.selectors.traits import schema_with_traits
from audiences.selectors.uses import users_of
from audiences.services.basing import base_of_changed, base_of_new
from audiences.services.checks import checked_name, require_version
from audiences.services.choosing import chosen_subsets, named, store_choice
from audiences.services.layers import keep_layers
from audiences.services.sizes import store_size
from audiences.services.syncing import follow_audience
from audiences.trait_checks import with_trait_ids
from config.errors import Conflict, Invalid
from config.queue import enqueue
from connectors.models import Destination
from governance.audit.actors import Actor
from governance.audit.services import Changes, changes, record, service, snapshot, unchanged
from workspaces.access import folder_for
from workspaces.scoping import current_workspace_id, unscoped

AUDITED = ("name", "description", "parent_model", "definition", "space", "folder", "sampled")
KEPT = timedelta(days=1)
NOTHING_MORE: Mapping[str, Any] = {}
INSIGHTS_KEPT = timedelta(hours=1)
_SIZED = {
    CalculationKind.SIZE: SizeReason.ASKED,
    CalculationKind.DAILY: SizeReason.DAILY,
    CalculationKind.RUN: SizeReason.RUN,
}
_LIVE = (CalculationState.WAITING, CalculationState.RUNNING)
LOST_AFTER = timedelta(minutes=1)  # a worker that counts says so every second or two
TRIED_FOR = timedelta(minutes=20)
AT_ONCE = 100


@service("audience.created")
def create_audience(
    *,
    actor: Actor,
    parent: SchemaModel,
    name: str,
    definition: Any,
    description: str = "",
    space_id: int | None = None,
    folder_id: int | None = None,
    subset_ids: Iterable[int] | None = None,
    sampled: bool = False,
) -> Audience:
    """Add an audience of a parent model, built from these subsets of it."""
    parent = access.parent_to_build_on(actor, parent.pk)
    subsets = chosen_subsets(actor, parent, subset_ids)
    stored = checked(actor, parent, definition, subsets=subsets)
    audience = Audience(
        workspace_id=current_workspace_id(),
        parent_model=parent,
        space=access.space_to_put_into(actor, space_id),
        folder=None if folder_id is None else folder_for(folder_id),
        name=checked_name(name, "audience"),
        description=description.strip(),
        definition=stored,
        base=base_of_new(parent, stored),
        sampled=sampled,
        created_by_id=actor.user_id,
    )
    audience.save()
    store_choice(audience, subsets)
    record(audience, after=described(audience, subsets))
    return audience


@service("audience.updated")
def update_audience(
    *,
    actor: Actor,
    audience: Audience,
    name: str | None = None,
    description: str | None = None,
    definition: Any = None,
    subset_ids: Iterable[int] | None = None,
    seen: str = "",
    sampled: bool | None = None,
) -> Audience:
    """Change an audience; what is ``None`` stays. A size that other conditions had is forgotten.

    Refused where it is not the version any more that was ``seen``.
    """
    audience = access.audience_to_change(actor, audience.pk)
    require_version(audience, seen)
    subsets = chosen_subsets(actor, audience.parent_model, subset_ids, audience)
    before = described(audience, subsets_of(audience))
    if name is not None:
        audience.name = checked_name(name, "audience")
    if description is not None:
        audience.description = description.strip()
    audience.sampled = audience.sampled if sampled is None else sampled
    if definition is not None or subset_ids is not None:
        given = audience.definition if definition is None else definition
        audience.definition = checked(actor, audience.parent_model, given, audience, subsets)
    changed = store_change(audience, before, subsets)
    if not changed:
        unchanged()
        return audience
    record(audience, before=changed.before, after=changed.after)
    return audience


def described(audience: Audience, subsets: Iterable[Subset]) -> dict[str, Any]:
    """An audience as the audit log tells it."""
    return {**snapshot(audience, AUDITED), "subsets": named(subsets)}


def store_change(audience: Audience, before: Mapping[str, Any], subsets: Sequence[Subset]) -> Changes:
    """Save a locked audience that was changed and checked, with these subsets; what differs. For services."""
    changed = changes(before, described(audience, subsets))
    if not changed:
        return changed
    if {"definition", "subsets"} & changed.after.keys():
        audience.size = audience.sized_at = None
    if "definition" in changed.after:
        audience.base = base_of_changed(audience, audience.definition)
    audience.save()
    store_choice(audience, subsets)
    follow_audience(audience)
    return changed


@service("audience.created")
def clone_audience(*, actor: Actor, audience: Audience, name: str = "") -> Audience:
    """Add an audience like another one."""
    original = access.audience_for(actor, audience.pk)
    parent = access.parent_to_build_on(actor, original.parent_model_id)
    subsets = chosen_subsets(actor, parent, [subset.pk for subset in subsets_of(original)])
    stored = checked(actor, parent, original.definition, original, subsets)
    copy = Audience(
        workspace_id=original.workspace_id,
        parent_model=parent,
        space=original.space,
        folder=original.folder,
        name=checked_name(name or f"{original.name} (copy)"[:200], "audience"),
        description=original.description,
        definition=stored,
        base=base_of_new(parent, stored),
        enrichments=original.enrichments,
        sampled=original.sampled,
        created_by_id=actor.user_id,
    )
    copy.save()
    store_choice(copy, subsets)
    record(copy, after={**described(copy, subsets), "copy_of": original.pk})
    return copy


@service("audience.deleted")
def delete_audience(*, actor: Actor, audience: Audience) -> None:
    """Delete an audience that nothing is made of: no other one, no trait, no subset and no destination rule."""
    from audiences.tasks import discard_history

    audience = access.audience_to_change(actor, audience.pk)
    if users := users_of(actor, "audience", audience.pk):
        words = f"“{audience.name}” is a condition of {sentence(users)}."
        raise Conflict(words, hint="Take it out of their definitions first.")
    if place := PriorityPlace.objects.filter(audience=audience).select_related("list").first():
        raise Conflict(
            f"“{audience.name}” stands in the priority list “{place.list}”.", hint="Take it out of there first."
        )
    if audience.model is not None and (count := audience.model.syncs.count()):
        raise Conflict(f"{count:,} sync{'' if count == 1 else 's'} send it.", hint="Delete them first.")
    record(audience, before=snapshot(audience, AUDITED))
    audience_id = audience.pk
    audience.delete()
    if audience.model is not None:
        audience.model.delete()
    enqueue(discard_history, audience.workspace_id, audience_id)


def checked(
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    audience: Audience | None = None,
    subsets: Sequence[Subset] | None = None,
) -> Any:
    """The definition as it is stored. Raises :class:`Invalid` with every problem, by its place."""
    schema = schema_with_audiences(parent.source)
    problems = problems_of(parent, definition, schema, audience, subsets)
    return as_stored(parent, definition, problems or unseen_in(actor, definition, schema, audience))


def as_stored(parent: SchemaModel, definition: Any, problems: Sequence[Problem]) -> Any:
    """A definition of a parent model as it is stored. Raises :class:`Invalid` with its problems, by their places."""
    if problems:
        fields = {f"definition{problem.pointer}": problem.message for problem in reversed(problems)}
        raise Invalid(problems[0].message, fields=fields, hint="Correct the conditions that are marked.")
    stored = dump(load_definition(definition))
    if "formula" not in str(stored):
        return stored
    return with_trait_ids(schema_with_traits(parent.source), str(parent.pk), stored)


# Sizes.


@service("schema_model.members_counted")
def calculate_size(
    *,
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    audience: Audience | None = None,
    subset_ids: Iterable[int] | None = None,
    destination: Destination | None = None,
    sampled: bool = False,
) -> Calculation:
    """Let a worker count the members of a definition, and how each condition narrows.

    With a ``destination`` also whom its rules let through; ``sampled`` of the sample, so that it says about how many.
    """
    parent = access.parent_to_build_on(actor, parent.pk)
    subsets = chosen_subsets(actor, parent, subset_ids, audience)
    tree = checked(actor, parent, definition, audience, subsets)
    made = begun(parent, tree, audience=audience, subsets=subsets, destination=destination, sampled=sampled)
    record(parent, after={"audience": audience.name if audience else "", "calculation": made.pk})
    return made


@service("schema_model.counted")
def count_rows(*, actor: Actor, parent: SchemaModel, definition: Any) -> Calculation:
    """Let a worker count the rows for which the conditions of a subset or rule hold, of all that there are."""
    parent = access.parent_to_govern(actor, parent.pk)
    made = begun(parent, checked(actor, parent, definition))
    record(parent, after={"calculation": made.pk})
    return made


def begun(
    parent: SchemaModel,
    definition: Any,
    *,
    audience: Audience | None = None,
    subsets: Sequence[Subset] = (),
    destination: Destination | None = None,
    kind: CalculationKind = CalculationKind.SIZE,
    question: Mapping[str, Any] = NOTHING_MORE,
    sampled: bool = False,
) -> Calculation:
    """A calculation of a checked definition, on its way to a worker: for services."""
    from audiences.tasks import calculate

    ids = sorted(subset.pk for subset in subsets)
    as_saved = audience is not None and _means(audience, definition) and _ids(audience) == ids
    made = Calculation.objects.create(
        workspace_id=parent.workspace_id,
        parent_model=parent,
        audience=audience if as_saved else None,
        kind=kind,
        question=dict(question),
        definition=audience.definition if audience is not None and as_saved else definition,
        subset_ids=ids,
        destination=destination,
        sampled=sampled,
    )
    enqueue(calculate, parent.workspace_id, made.pk)
    return made


def _means(audience: Audience, definition: Any) -> bool:
    """Whether a checked definition is the audience's own, however much of it was left to be understood."""
    try:
        return load_definition(audience.definition) == load_definition(definition)
    except InvalidTree:
        return False


def _ids(audience: Audience) -> list[int]:
    return sorted(subset.pk for subset in subsets_of(audience))


@service("schema_model.calculation_given_up")
def give_up_calculation(*, actor: Actor, calculation: Calculation) -> Calculation:
    """Stop counting."""
    parent = access.calculation_for(actor, calculation.pk).parent_model
    if _end(calculation, CalculationState.CANCELLED, among=_LIVE):
        record(parent, before={"calculation": calculation.pk})
    else:
        unchanged()
    return Calculation.objects.get(pk=calculation.pk)


def begin_calculation(calculation_id: int) -> Calculation | None:
    """Take a calculation that waits; nothing where somebody has it, or nobody wants it."""
    waiting = Calculation.objects.filter(pk=calculation_id, state=CalculationState.WAITING)
    now = timezone.now()
    if not waiting.update(state=CalculationState.RUNNING, began_at=now, beat_at=now):
        return None
    return Calculation.objects.select_related("parent_model__source", "audience").get(pk=calculation_id)


def wanted(calculation_id: int) -> bool:
    """Whether somebody still waits for the answer; asking tells that a worker is at it."""
    running = Calculation.objects.filter(pk=calculation_id, state=CalculationState.RUNNING)
    return bool(running.update(beat_at=timezone.now()))


@transaction.atomic
def finish_calculation(calculation: Calculation, counts: Mapping[str, Any]) -> None:
    """Store the answer, and the audience's size where it was about a saved one that has not changed since."""
    reason = _SIZED.get(CalculationKind(calculation.kind))
    if not _end(calculation, CalculationState.READY, counts=counts):
        return
    if reason is None or calculation.audience_id is None or calculation.sampled:
        return
    same = Audience.objects.filter(pk=calculation.audience_id, definition=calculation.definition).first()
    if same is not None and _ids(same) == calculation.subset_ids:
        store_size(same, counts["members"], reason)


def tell_progress(calculation: Calculation, done: int, whole: int) -> None:
    """Store how much of a calculation of several queries is done."""
    running = Calculation.objects.filter(pk=calculation.pk, state=CalculationState.RUNNING)
    running.update(counts={"done": done, "whole": whole})


def fail_calculation(calculation: Calculation, message: str, hint: str) -> None:
    """Store why there is no answer."""
    _end(calculation, CalculationState.FAILED, error=message, hint=hint)


@transaction.atomic
def _end(
    calculation: Calculation,
    state: CalculationState,
    *,
    counts: Mapping[str, Any] = NOTHING_MORE,
    error: str = "",
    hint: str = "",
    among: Sequence[CalculationState] = (CalculationState.RUNNING,),
) -> bool:
    """End what is in one of these states, and tell the run that it was for; False where it is not any more."""
    found = {"counts": dict(counts), "error_message": error[:2000], "error_hint": hint[:2000]}
    live = Calculation.objects.filter(pk=calculation.pk, state__in=among)
    if not live.update(state=state, finished_at=timezone.now(), **found):
        return False
    if "run" in calculation.question:
        why = f"{error} {hint}".strip() or ("" if counts else "Somebody gave up counting.")
        keep_layers(calculation, counts=counts, error=why)
    return True


def take_up_lost_calculations(now: datetime) -> int:
    """Count again what a lost message or worker left, or say that it failed: for the scheduler."""
    from audiences.tasks import calculate

    silent = Q(beat_at__lt=now - LOST_AFTER) | Q(beat_at=None, created_at__lt=now - LOST_AFTER)
    with unscoped("calculations of all workspaces are taken up by the same scheduler"), transaction.atomic():
        rows = Calculation.objects.select_for_update(no_key=True, skip_locked=True).filter(silent, state__in=_LIVE)
        lost = list(rows.order_by("pk")[:AT_ONCE])
        for calculation in lost:
            if calculation.state == CalculationState.RUNNING and calculation.created_at < now - TRIED_FOR:
                fail_calculation(calculation, "The workers that counted stopped before there was an answer.", "")
                continue
            calculation.state, calculation.beat_at = CalculationState.WAITING, now
            calculation.save(update_fields=["state", "beat_at"])
            enqueue(calculate, calculation.workspace_id, calculation.pk)
    return len(lost)


def forget_old_calculations(now: datetime) -> int:
    """Delete counts after a day, and what tells more than a count after an hour: for the scheduler."""
    counts = (*_SIZED, CalculationKind.LAYERS, CalculationKind.GROUPS)
    old = Q(created_at__lt=now - KEPT) | ~Q(kind__in=counts) & Q(created_at__lt=now - INSIGHTS_KEPT)
    with unscoped("calculations of all workspaces are deleted by the same scheduler"):
        return Calculation.objects.filter(old).delete()[0]
