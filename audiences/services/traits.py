"""Writes to traits: define, change, copy, archive, delete. A changed template changes the traits that follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils import timezone

from audiences import access
from audiences.definitions import schema_with_audiences
from audiences.dependants import Dependant, sentence
from audiences.models import SchemaModel, Trait
from audiences.query.errors import InvalidTree, Problem
from audiences.query.schema import StudioSchema
from audiences.query.templates import derived
from audiences.selectors.traits import saved_trait, syncs_of_trait, uses_of_trait
from audiences.services.checks import checked_name, require_version
from audiences.services.syncing import follow_schema
from audiences.trait_checks import may_suggest, problems_of_trait, same_trait, stored_group, stored_trait
from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.scoping import current_workspace_id

AUDITED = (
    "name",
    "description",
    "model",
    "definition",
    "is_template",
    "template",
    "overrides",
    "extra",
    "blanks",
    "suggest",
)
NAMED = 5
Tree = Mapping[str, Any]


@service("trait.created")
def create_trait(
    *,
    actor: Actor,
    model: SchemaModel,
    name: str,
    definition: Any,
    description: str = "",
    is_template: bool = False,
    suggest: bool = False,
) -> Trait:
    """Add a trait or a template to a model."""
    model = access.model_to_put_traits_on(actor, model.pk)
    trait = _new(actor, model, name, description, suggest)
    trait.is_template = is_template
    schema = schema_with_audiences(model.source)
    trait.definition = _checked(schema, trait, definition)
    return _add(trait, schema)


@service("trait.created")
def create_trait_from(
    *,
    actor: Actor,
    template: Trait,
    name: str,
    description: str = "",
    extra: Tree | None = None,
    blanks: Tree | None = None,
    suggest: bool = False,
) -> Trait:
    """Add a trait that follows a template, with conditions of its own and the template's blanks filled in."""
    template = access.trait_for(actor, template.pk)
    if not template.is_template or template.archived_at is not None:
        raise Conflict(f"“{template.name}” is no template that traits could be made from.")
    model = access.model_to_put_traits_on(actor, template.model_id)
    trait = _new(actor, model, name, description, suggest)
    trait.template = template
    schema = schema_with_audiences(model.source)
    _follow(trait, template, extra or {}, blanks or {}, schema)
    return _add(trait, schema)


@service("trait.created")
def clone_trait(*, actor: Actor, trait: Trait, name: str = "") -> Trait:
    """Add a trait like another one; a copy of one that follows a template follows it, too."""
    original = access.trait_for(actor, trait.pk)
    model = access.model_to_put_traits_on(actor, original.model_id)
    copy = _new(actor, model, name or _free_name(original), original.description, original.suggest)
    for field in ("template", "is_template", "overrides", "extra", "blanks", "definition"):
        setattr(copy, field, getattr(original, field))
    return _add(copy, schema_with_audiences(model.source), copy_of=original.pk)


@service("trait.updated")
def update_trait(
    *,
    actor: Actor,
    trait: Trait,
    name: str | None = None,
    description: str | None = None,
    definition: Any = None,
    extra: Tree | None = None,
    blanks: Tree | None = None,
    follow: bool = False,
    suggest: bool | None = None,
    seen: str = "",
) -> Trait:
    """Change a trait; what is ``None`` stays. Refused where it is not the version any more that was ``seen``.

    Logic of its own (``definition``) overrides a template's; ``follow`` goes back to the template. Traits that follow a
    changed template are written anew; where one of them would break, nothing changes.
    """
    trait = access.trait_to_change(actor, trait.pk)
    require_version(trait, seen)
    before = snapshot(trait, AUDITED)
    schema = schema_with_audiences(trait.model.source)
    if name is not None:
        _rename(actor, trait, name)
    if description is not None:
        trait.description = description.strip()
    if suggest is not None:
        trait.suggest = suggest
    _change_logic(trait, schema, definition, extra, blanks, follow=follow)
    _suggest_only_texts(trait, schema)
    changed = changes(before, snapshot(trait, AUDITED))
    if not changed:
        unchanged()
        return trait
    if {"definition", "suggest"} & changed.after.keys():
        trait.suggestions, trait.suggested_at, trait.suggest_error = [], None, ""
    trait.save()
    also = _propagate(trait, schema) if trait.is_template and "definition" in changed.after else []
    record(trait, before=changed.before, after={**changed.after, **({"also_changed": also} if also else {})})
    _tell(trait)
    return trait


@service("trait.archived")
def archive_trait(*, actor: Actor, trait: Trait) -> Trait:
    """Offer a trait nowhere any more; what uses it goes on working."""
    trait = access.trait_to_change(actor, trait.pk)
    if trait.archived_at is not None:
        unchanged()
        return trait
    trait.archived_at = timezone.now()
    trait.save(update_fields=["archived_at", "updated_at"])
    record(trait, after={"archived": True})
    _tell(trait)
    return trait


@service("trait.restored")
def restore_trait(*, actor: Actor, trait: Trait) -> Trait:
    """Offer an archived trait again."""
    trait = access.trait_to_change(actor, trait.pk)
    if trait.archived_at is None:
        unchanged()
        return trait
    trait.archived_at = None
    trait.save(update_fields=["archived_at", "updated_at"])
    record(trait, after={"archived": False})
    _tell(trait)
    return trait


@service("trait.deleted")
def delete_trait(*, actor: Actor, trait: Trait) -> None:
    """Delete a trait that nothing is made of."""
    trait = access.trait_to_change(actor, trait.pk)
    sending = [Dependant("sync", str(sync)) for sync in syncs_of_trait(actor, trait)]
    if found := [*uses_of_trait(actor, trait), *sending]:
        raise Conflict(
            f"“{trait.name}” is used by {sentence(found)}.",
            hint="Take it out of there first, or archive it: then nobody is offered it any more.",
            code="in_use",
        )
    record(trait, before=snapshot(trait, AUDITED))
    model = trait.model
    trait.delete()
    follow_schema(model)


@service("trait.suggestions_asked")
def suggest_trait_values(*, actor: Actor, trait: Trait) -> Trait:
    """Let a worker find the most frequent values of a trait again."""
    trait = access.trait_to_change(actor, trait.pk)
    if not trait.suggest:
        raise Conflict("Suggestions are off for this trait.", hint="Switch them on in its configuration first.")
    _ask_for_suggestions(trait)
    record(trait)
    return trait


def store_suggestions(trait: Trait, values: list[list[Any]], error: str = "") -> None:
    """What a worker found, or why it found nothing; what was known before a failure stays.

    Nothing where the trait, or what may be seen of it, has changed since the worker read it.
    """
    found: dict[str, Any] = {"suggest_error": error[:2000], "suggested_at": timezone.now()}
    rows = Trait.objects.filter(pk=trait.pk, suggest=True, updated_at=trait.updated_at)
    rows.update(**found if error else {**found, "suggestions": values})


def forget_trait_values(source_id: int) -> None:
    """Delete the values of a source's traits, as a column was hidden that they may be made of; they are found again."""
    traits = Trait.objects.filter(model__source_id=source_id, suggest=True)
    traits.update(suggestions=[], suggested_at=None, suggest_error="", updated_at=timezone.now())
    for trait in traits.filter(archived_at=None):
        _ask_for_suggestions(trait)


# Pieces.


def _new(actor: Actor, model: SchemaModel, name: str, description: str, suggest: bool) -> Trait:
    trait = Trait(
        workspace_id=current_workspace_id(),
        model=model,
        description=description.strip(),
        suggest=suggest,
        created_by_id=actor.user_id,
    )
    trait.name = _clean_name(name, trait)
    return trait


def _add(trait: Trait, schema: StudioSchema, **also: Any) -> Trait:
    _suggest_only_texts(trait, schema)
    trait.save()
    record(trait, after={**snapshot(trait, AUDITED), **also})
    _tell(trait)
    return trait


def _suggest_only_texts(trait: Trait, schema: StudioSchema) -> None:
    """Values that are no texts are not suggested, whatever was asked for."""
    trait.suggest = trait.suggest and not trait.is_template
    trait.suggest = trait.suggest and may_suggest(schema, str(trait.model_id), trait.definition)


def _rename(actor: Actor, trait: Trait, name: str) -> None:
    """Another name, unless syncs know the trait by the one it has."""
    cleaned = _clean_name(name, trait)
    if cleaned != trait.name and (syncs := syncs_of_trait(actor, trait)):
        named = ", ".join(f"“{sync}”" for sync in syncs[:NAMED])
        raise Conflict(
            f"“{trait.name}” is what {named} call{'s' if len(syncs) == 1 else ''} its column.",
            hint="Take it out of their mappings first, or clone the trait under the new name.",
        )
    trait.name = cleaned


def _change_logic(
    trait: Trait, schema: StudioSchema, definition: Any, extra: Tree | None, blanks: Tree | None, *, follow: bool
) -> None:
    template = trait.template
    if template is not None and (follow or (trait.follows and (extra is not None or blanks is not None))):
        wider = trait.extra if extra is None else extra
        _follow(trait, template, wider, trait.blanks if blanks is None else blanks, schema)
        trait.overrides = False
    if definition is None:
        return
    checked = _checked(schema, trait, definition)
    if same_trait(checked, trait.definition):
        return
    if trait.follows:
        trait.overrides, trait.extra, trait.blanks = True, {}, {}
    trait.definition = checked


def _follow(trait: Trait, template: Trait, extra: Tree, blanks: Tree, schema: StudioSchema) -> None:
    """Give a trait its template's definition."""
    if extra.get("conditions") and template.method == "formula":
        raise Invalid.field("extra", "A formula has no rows that conditions could narrow.")
    made = derived(template.definition, dict(extra), blanks)
    trait.definition = _checked(schema, trait, made)
    try:
        trait.extra = stored_group(extra) if extra.get("conditions") else {}
    except InvalidTree as error:
        raise _refused(error.problems[0], "extra") from None
    trait.blanks = dict(blanks)


def _propagate(template: Trait, schema: StudioSchema) -> list[str]:
    """Write the traits anew that follow a template; their names."""
    kept = saved_trait(template)
    known = replace(schema, traits={**schema.traits, **({kept.id: kept} if kept else {})})
    followers = list(template.derived.select_for_update(no_key=True).filter(overrides=False))
    for follower in followers:
        try:
            _follow(follower, template, follower.extra, follower.blanks, known)
        except Invalid as error:
            raise Conflict(
                f"“{follower.name}”, which follows this template, would not work any more: {error.message}",
                hint="Let it have logic of its own, or correct it, before the template changes.",
            ) from None
        follower.save(update_fields=["definition", "extra", "blanks", "updated_at"])
        _ask_for_suggestions(follower)
    return [follower.name for follower in followers]


def _checked(schema: StudioSchema, trait: Trait, definition: Any) -> Any:
    """The definition as it is stored. Raises :class:`Invalid` with every problem, by its place."""
    model = str(trait.model_id)
    about = {"trait": str(trait.pk)} if trait.pk else {}
    problems = problems_of_trait(schema, model, definition, name=trait.name, template=trait.is_template, **about)
    if problems:
        fields = {f"definition{each.pointer}": each.message for each in reversed(problems)}
        raise Invalid(problems[0].message, fields=fields, hint="Correct what is marked.")
    return stored_trait(schema, model, definition)


def _refused(problem: Problem, field: str) -> Invalid:
    return Invalid(problem.message, fields={f"{field}{problem.pointer}": problem.message})


def _clean_name(name: str, trait: Trait) -> str:
    cleaned = checked_name(name, "trait")
    same = Trait.objects.filter(model_id=trait.model_id, name__iexact=cleaned).exclude(pk=trait.pk).first()
    if same is not None:
        where = " in the archive" if same.archived_at else ""
        raise Invalid.field("name", f"{trait.model.name} has a trait “{same.name}” already{where}.")
    column = trait.model.columns.filter(name__iexact=cleaned, missing=False).first()
    if column is not None:
        raise Invalid.field("name", f"{trait.model.name} has a column “{column.name}” already: choose another name.")
    return cleaned


def _free_name(trait: Trait) -> str:
    taken = {name.casefold() for name in Trait.objects.filter(model=trait.model).values_list("name", flat=True)}
    wanted = [f"{trait.name[:180]} (copy)", *(f"{trait.name[:180]} (copy {n})" for n in range(2, len(taken) + 3))]
    return next(name for name in wanted if name.casefold() not in taken)


def _tell(trait: Trait) -> None:
    """Let syncs of audiences know the trait as a column, and workers find its values."""
    follow_schema(trait.model)
    _ask_for_suggestions(trait)


def _ask_for_suggestions(trait: Trait) -> None:
    from audiences.tasks import find_trait_values
    from config.queue import enqueue

    if trait.suggest and trait.archived_at is None:
        enqueue(find_trait_values, trait.workspace_id, trait.pk)
