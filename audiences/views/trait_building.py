"""The trait editor inside its pages: a definition that is being worked on, edit by edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import orjson

from audiences.builder.blocks import Block, TestForm, group_blocks, suggested_in, trait_blocks
from audiences.builder.edits import Tree, value_at
from audiences.builder.fitting import fitted_group, fitted_trait
from audiences.builder.offers import Offers
from audiences.builder.trait_form import TYPES, TraitForm
from audiences.definitions import NEW, asker, only_seen, schema_with_audiences
from audiences.models import SchemaModel, Trait
from audiences.query.codec import load_trait
from audiences.query.conditions import FormulaTrait
from audiences.query.conditions import Trait as TraitTree
from audiences.query.errors import InvalidTree, Problem
from audiences.query.schema import StudioSchema
from audiences.query.sentences import Speaker
from audiences.query.templates import blanks_of, derived
from audiences.trait_checks import may_suggest, problems_of_trait, same_trait, shown_trait, stored_trait, type_of_trait
from audiences.views.building import MENUS, values_offered
from connectors.sdk.types import ColumnType
from governance.audit.actors import Actor


@dataclass
class TraitBuilding:
    """What the page shows of a trait: its settings, the sentence, the SQL, and what is wrong.

    The page's tree holds a ``definition``; for a trait that follows a ``template`` it holds ``extra`` conditions and
    the ``blanks`` that were filled in: label → ``{"operand": …}``.
    """

    actor: Actor
    model: SchemaModel
    tree: Tree
    trait: Trait | None = None
    template: Trait | None = None
    is_template: bool = False

    @cached_property
    def schema(self) -> StudioSchema:
        """The whole schema."""
        return schema_with_audiences(self.model.source)

    @cached_property
    def offers(self) -> Offers:
        """What can be chosen from; a trait is never made of itself."""
        schema = only_seen(self.schema, self.actor)
        own = str(self.trait.pk) if self.trait else ""
        traits = {pk: each for pk, each in schema.traits.items() if pk != own}
        return Offers(replace(schema, traits=traits), schema.models.get(str(self.model.pk)))

    @property
    def follows(self) -> bool:
        """Whether the template's logic is used."""
        return self.template is not None and "definition" not in self.tree

    @cached_property
    def base(self) -> Tree:
        """The template's definition."""
        assert self.template is not None
        found: Tree = shown_trait(self.schema, str(self.model.pk), self.template.definition)
        return found

    @cached_property
    def fitted(self) -> Tree:
        """The tree, fitted to the schema."""
        if not self.follows:
            given = self.tree.get("definition")
            definition = given if isinstance(given, dict) else {}
            return {"definition": fitted_trait(definition, self.offers, blanks=self.is_template)}
        extra = self.tree.get("extra")
        below = self.offers.below(str(self.base.get("relationship", "")))
        made: Tree = {"extra": fitted_group(extra if isinstance(extra, dict) else {}, below)}
        places = list(blanks_of(self.base))
        whole = fitted_trait(derived(self.base, None, self._given()), self.offers)
        made["blanks"] = {label: {"operand": value_at(whole, place)} for place, label in places}
        return made

    def _given(self) -> dict[str, Any]:
        """The operands that were filled in so far; an empty one where nothing was, so that it gets a kind."""
        blanks = self.tree.get("blanks")
        given = blanks if isinstance(blanks, dict) else {}
        found = {label: each.get("operand") for label, each in given.items() if isinstance(each, dict)}
        return {label: found.get(label) or {} for _, label in blanks_of(self.base)}

    @cached_property
    def blanks(self) -> dict[str, Any]:
        """The template's blanks, filled in: operands by label."""
        return {label: each["operand"] for label, each in self.fitted.get("blanks", {}).items()}

    @cached_property
    def definition(self) -> Tree:
        """The whole definition."""
        if not self.follows:
            return dict(self.fitted["definition"])
        return derived(self.base, self.fitted["extra"], self.blanks)

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with it, at its place in the page's tree."""
        if not self.follows:
            return [_below("definition", each) for each in self._check(self.definition)]
        found = [_below("template", each) for each in self._check(derived(self.base, None, self.blanks))]
        relationship = str(self.base.get("relationship", ""))
        if relationship and self.fitted["extra"]["conditions"]:
            counted = {"method": "count", "relationship": relationship, "where": self.fitted["extra"]}
            wrong = problems_of_trait(self.schema, str(self.model.pk), counted)
            found += [Problem(("extra", *each.path[1:]), each.code, each.message) for each in wrong]
        return found

    def _check(self, definition: Tree) -> Sequence[Problem]:
        about = str(self.trait.pk) if self.trait else NEW
        name = self.trait.name if self.trait else ""
        model = str(self.model.pk)
        return problems_of_trait(self.schema, model, definition, trait=about, name=name, template=self.is_template)

    @cached_property
    def loaded(self) -> TraitTree | None:
        """The definition as a value; nothing while it is not whole."""
        try:
            return load_trait(self.definition)
        except InvalidTree:
            return None

    @property
    def changed(self) -> bool:
        """Whether the page shows something else than what is saved."""
        if self.trait is None:
            return True
        moved = self.trait.template_id is not None and self.trait.overrides == self.follows
        return moved or not same_trait(self.stored(), self.trait.definition)

    def stored(self) -> Any:
        """The definition as it would be stored; nothing while it is not whole."""
        return stored_trait(self.schema, str(self.model.pk), self.definition) if self.loaded else None

    def sentence(self) -> str:
        """What is calculated, in plain words; empty while it is not whole."""
        return words_of(self.schema, self.model, self.loaded) if self.loaded else ""

    def sql(self) -> str:
        """What the source is asked; empty while something is wrong."""
        if self.problems or self.loaded is None or any(True for _ in blanks_of(self.definition)):
            return ""
        tree = load_trait(self.stored())
        return asker(self.schema).trait_values(str(self.model.pk), tree).sql(pretty=True)

    @property
    def result_type(self) -> ColumnType:
        """The type of the values."""
        return type_of_trait(self.schema, str(self.model.pk), self.loaded) if self.loaded else ColumnType.UNKNOWN

    @property
    def may_suggest(self) -> bool:
        """Whether filters could suggest its values."""
        return may_suggest(self.schema, str(self.model.pk), self.definition)

    @cached_property
    def form(self) -> TraitForm | None:
        """The settings of a trait with logic of its own."""
        if self.follows:
            return None
        return trait_blocks(
            self.fitted["definition"], "/definition", self.offers, self.problems, blanks=self.is_template
        )

    @cached_property
    def extra(self) -> Block | None:
        """The conditions beside the template's; none for formulas, which have no rows to narrow."""
        relationship = str(self.base.get("relationship", "")) if self.follows else ""
        if not relationship:
            return None
        return group_blocks(self.fitted["extra"], "/extra", self.offers.below(relationship), self.problems)

    def blank_forms(self) -> list[tuple[str, TestForm]]:
        """The template's blanks to fill in: what each is called, and its form."""
        if not self.follows:
            return []
        whole = trait_blocks(derived(self.base, None, self.blanks), "", self.offers)
        tests = {f"{test.pointer}/operand": test for test in _tests(whole.where)}
        found = []
        for place, label in blanks_of(self.base):
            if (test := tests.get(place)) is None:
                continue
            only = tuple(each for each in test.operators if each.value == test.operator)
            escaped = label.replace("~", "~0").replace("/", "~1")
            found.append((label or test.title, replace(test, pointer=f"/blanks/{escaped}", operators=only)))
        return found

    def context(self) -> dict[str, Any]:
        """What the templates need."""
        where = self.form.where if self.form else self.extra
        suggested = suggested_in(where).values() if where else ()
        return {
            "model": self.model,
            "trait": self.trait,
            "template": self.template,
            "follows": self.follows,
            "is_template": self.is_template,
            "form": self.form,
            "extra": self.extra,
            "blanks": self.blank_forms(),
            "base_words": words_of(self.schema, self.model, _loaded(self.base)) if self.template else "",
            "tree": orjson.dumps(self.fitted).decode(),
            "sentence": self.sentence(),
            "sql": self.sql(),
            "result": TYPES.get(self.result_type, ""),
            "may_suggest": self.may_suggest,
            "problem_count": len({problem.pointer for problem in self.problems}),
            "template_problems": [each.message for each in self.problems if each.path[:1] == ("template",)],
            "words": MENUS,
            "suggestions": values_offered(self.actor, self.model.source_id, suggested),
            "changed": self.changed,
        }


def tree_of(trait: Trait, schema: StudioSchema) -> Tree:
    """The page's tree of what is saved."""
    if trait.follows:
        return {"extra": trait.extra, "blanks": {label: {"operand": each} for label, each in trait.blanks.items()}}
    return {"definition": shown_trait(schema, str(trait.model_id), trait.definition)}


def words_of(schema: StudioSchema, model: SchemaModel, tree: TraitTree | None) -> str:
    """What a trait calculates, as a sentence about one row."""
    if tree is None:
        return ""
    said = "a formula over its own columns and traits"
    if not isinstance(tree, FormulaTrait):
        said = Speaker(schema).trait(tree, schema.models.get(str(model.pk)))
    return f"For each row of {model.name}: {said}."


def related_name(schema: StudioSchema, model_id: int, tree: TraitTree | None) -> str:
    """The model whose rows a trait is calculated from."""
    relationship = "" if tree is None or isinstance(tree, FormulaTrait) else tree.relationship
    hops = schema.step(relationship, str(model_id)) if relationship else None
    return schema.models[hops[-1].model].name if hops else ""


def _loaded(definition: Mapping[str, Any]) -> TraitTree | None:
    try:
        return load_trait(definition)
    except InvalidTree:
        return None


def _below(name: str, problem: Problem) -> Problem:
    return Problem((name, *problem.path), problem.code, problem.message)


def _tests(block: Block | None) -> Iterator[TestForm]:
    if block is None:
        return
    yield from (test for test in (block.test, block.when) if test)
    for inner in (*block.children, *filter(None, (block.where,))):
        yield from _tests(inner)
