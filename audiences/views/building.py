"""The builder inside its pages: a definition that is being worked on, edit by edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from django.http import QueryDict

from audiences import access
from audiences.builder import edits, words
from audiences.builder.blocks import Block, blocks, suggested_in
from audiences.builder.edits import BadEdit, Tree
from audiences.builder.fitting import fitted
from audiences.builder.limits import can_limit, limit_form
from audiences.builder.offers import Choice, Offers, Suggested
from audiences.builder.repeats import repeated
from audiences.builder.trait_fitting import unlinked
from audiences.definitions import members_of, only_seen, schema_with_audiences, subsets_of
from audiences.models import Audience, Calculation, SchemaColumn, SchemaModel, Subset, Trait
from audiences.query.codec import load_definition, refuse_deep
from audiences.query.errors import InvalidTree, Problem
from audiences.query.schema import StudioSchema
from audiences.query.sentences import NUMBERS, Speaker
from audiences.query.statements import Query
from audiences.selectors.subsets import Choice as SubsetChoice
from audiences.selectors.subsets import choices_of, first_choice
from audiences.views.base import id_in
from config.errors import Invalid
from governance.audit.actors import Actor

MOST_CHARACTERS = 1_000_000
LONGEST_SQL = 20_000  # that people read; uploaded lists make it much longer


@dataclass
class Building:
    """What the page shows of a definition: blocks, the sentence, the SQL, and what is wrong.

    ``posted`` are the subsets that were ticked on the page; nothing where it offers none.
    """

    actor: Actor
    parent: SchemaModel
    tree: Tree
    audience: Audience | None = None
    posted: Sequence[int] | None = None
    blanks: bool = False  # a template's: values may be left blank

    @cached_property
    def choices(self) -> Sequence[SubsetChoice]:
        """The subsets that there are to choose from; what cannot be changed here stays chosen."""
        had = [subset.pk for subset in subsets_of(self.audience)] if self.audience else []
        choices = choices_of(self.actor, self.parent, had)
        if self.posted is None and self.audience is not None:
            return choices
        ticked = {*(self.posted or ()), *first_choice(choices)}
        return [choice if choice.kept else choice.with_chosen(ticked) for choice in choices]

    @cached_property
    def subsets(self) -> list[Subset]:
        """The subsets that are chosen now."""
        return [subset for choice in self.choices for subset in choice.subsets if subset.pk in choice.chosen]

    def within(self) -> str:
        """The chosen subsets in words: any of a category, all categories."""
        categories = [[each.name for each in choice.subsets if each.pk in choice.chosen] for choice in self.choices]
        return " and ".join(" or ".join(f"“{name}”" for name in names) for names in categories if names)

    @property
    def wanted(self) -> list[int] | None:
        """The ids of the chosen subsets, where the page offered any."""
        return None if self.posted is None else [subset.pk for subset in self.subsets]

    @cached_property
    def schema(self) -> StudioSchema:
        """The whole schema, with what this person does not see: audiences may be made of those, too."""
        return schema_with_audiences(self.parent.source)

    @cached_property
    def offers(self) -> Offers:
        """What this person can choose from."""
        schema = only_seen(self.schema, self.actor)
        excluded = str(self.audience.pk) if self.audience else ""
        return Offers(schema, schema.models.get(str(self.parent.pk)), excluded=excluded)

    @cached_property
    def fitted(self) -> Tree:
        """The definition, fitted to the schema."""
        return fitted(self.tree, self.offers, blanks=self.blanks)

    @cached_property
    def changed(self) -> bool:
        """Whether the page shows something else than what is saved."""
        if self.audience is None or self.fitted != fitted(self.audience.definition, self.offers):
            return True
        return {subset.pk for subset in self.subsets} != {subset.pk for subset in subsets_of(self.audience)}

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with it."""
        found = self._asked if not isinstance(self._asked, Query) else []
        return [problem for problem in found if problem.code != "blank"] if self.blanks else found

    @cached_property
    def _asked(self) -> Query | Sequence[Problem]:
        """What the source would be asked, or what is wrong with that."""
        try:
            return members_of(self.parent, self.fitted, self.schema, self.audience, self.subsets)
        except InvalidTree as error:
            return error.problems

    @cached_property
    def root(self) -> Block:
        """The outermost group."""
        return blocks(self.fitted, self.offers, self.problems, blanks=self.blanks)

    @cached_property
    def repeated(self) -> Mapping[str, Sequence[str]]:
        """By places, conditions that other audiences have, too, and which."""
        try:
            conditions = load_definition(self.fitted).where.conditions
        except InvalidTree:
            return {}
        parent, own = str(self.parent.pk), str(self.audience.pk) if self.audience else ""
        seen = self.offers.schema.audiences.values()
        return repeated(conditions, (each for each in seen if each.model == parent and each.id != own))

    def sentence(self) -> str:
        """The definition in plain words; empty while it is not whole."""
        try:
            definition = load_definition(self.fitted)
        except InvalidTree:
            return ""
        return Speaker(self.offers.schema).sentence(str(self.parent.pk), definition)

    def sql(self) -> str:
        """What the source is asked; empty while something is wrong."""
        if not isinstance(self._asked, Query) or self.blanks:
            return ""
        written = self._asked.sql(pretty=True)
        return written if len(written) <= LONGEST_SQL else f"{written[:LONGEST_SQL]} …"

    def context(self) -> dict[str, Any]:
        """What the templates need."""
        tested = {problem.pointer for problem in self.problems}
        return {
            "root": self.root,
            "limit": limit_form(self.fitted, self.offers, self.problems),
            "can_limit": can_limit(self.offers),
            "tree": orjson.dumps(self.fitted).decode(),
            "sentence": self.sentence(),
            "sql": self.sql(),
            "problem_count": len(tested),
            "parent": self.parent,
            "words": MENUS,
            "repeated": self.repeated,
            "suggestions": self.suggestions(),
            "choices": self.choices,
            "within": self.within(),
            "choice_problems": [each.message for each in self.problems if each.pointer.startswith("/subsets")],
        }

    def suggestions(self) -> list[tuple[str, list[str]]]:
        """The values that the page offers, by the ids of their lists."""
        return values_offered(self.actor, self.parent.source_id, suggested_in(self.root).values())


def values_offered(actor: Actor, source_id: int, asked: Iterable[Suggested]) -> list[tuple[str, list[str]]]:
    """The most frequent values of columns and traits, as far as this person may see them, by their ids on the page."""
    wanted = list(asked)
    if not wanted:
        return []
    models = access.models_to_suggest_from(actor, source_id, {int(each.model) for each in wanted})
    columns = {(int(each.model), each.column): each.id for each in wanted if not each.trait}
    traits = {int(each.trait): each.id for each in wanted if each.trait}
    found: list[tuple[str, list[str]]] = []
    if columns:
        rows = SchemaColumn.objects.filter(model_id__in=models, suggest=True, enabled=True, missing=False)
        for row in rows.filter(name__in={name for _, name in columns}):
            if (row.model_id, row.name) in columns:
                found.append((columns[row.model_id, row.name], [str(value) for value, _ in row.suggestions]))
    if traits:
        for trait in Trait.objects.filter(model_id__in=models, suggest=True, pk__in=traits):
            found.append((traits[trait.pk], [str(value) for value, _ in trait.suggestions]))
    return found


MENUS: Mapping[str, Any] = {
    "counted": [Choice(operator.value, label) for operator, label in NUMBERS.items()],
    "quantifiers": [Choice(each.value, label) for each, label in words.QUANTIFIERS.items()],
    "units": [Choice(unit.value, label) for unit, label in words.UNITS.items()],
    "read_as": [Choice(*each) for each in words.READ_AS.items()],
}


def posted_subsets(data: QueryDict) -> list[int] | None:
    """The subsets that were ticked; nothing where the page offers none."""
    if "subsets" not in data:
        return None
    return [pk for each in data.getlist("subset") if (pk := id_in(each))]


def posted_tree(data: QueryDict) -> Tree:
    """The definition that a form was sent with: what was on the page, what was typed, and one edit."""
    written = data.get("tree", "")
    if len(written) > MOST_CHARACTERS:
        raise Invalid("This definition is too large for the page.", hint="Upload long lists of values as files.")
    try:
        tree = orjson.loads(written) if written else edits.empty()
        if not isinstance(tree, dict):
            raise BadEdit("The page sent no definition.")
        refuse_deep(tree)
        tree = unlinked(tree, edits.posted(tree, data.lists()))
        refuse_deep(tree)
        tree = edited(tree, data.get("do", ""))
        refuse_deep(tree)
        return tree
    except (orjson.JSONDecodeError, BadEdit, InvalidTree) as error:
        raise Invalid(f"This change does not fit the page: {error}", hint="Load the page again.") from None


def edited(tree: Tree, asked: str) -> Tree:
    """The tree after one edit, written ``name|place`` with more after further bars. Raises :class:`BadEdit`."""
    name, *arguments = asked.split("|", 2)
    if name not in _EDITS:
        return tree
    edit, expected = _EDITS[name]
    if len(arguments) != expected:
        raise BadEdit(f"“{asked}” is not an edit.")
    return edit(tree, *arguments)


def _add(tree: Tree, group: str, kind: str) -> Tree:
    name, _, relationship = kind.partition(":")
    if name == "level":
        return edits.add(tree, group, {**edits.NEW_CONDITIONS["relation"], "relationship": relationship})
    if kind not in edits.NEW_CONDITIONS:
        raise BadEdit(f"“{kind}” is not a kind of condition.")
    return edits.add(tree, group, edits.NEW_CONDITIONS[kind])


def _moved_by(steps: int) -> Callable[[Tree, str], Tree]:
    def move(tree: Tree, condition: str) -> Tree:
        group, place = edits.group_of(condition)
        return edits.move(tree, condition, group, max(0, place + steps))

    return move


def _move(tree: Tree, condition: str, to: str) -> Tree:
    return edits.move(tree, condition, *edits.group_of(to))


def _set(tree: Tree, pointer: str, value: str) -> Tree:
    return edits.put(tree, pointer, orjson.loads(value))


def _drop(tree: Tree, pointer: str) -> Tree:
    return edits.put(tree, pointer, None)


def _append(tree: Tree, pointer: str, value: str) -> Tree:
    return edits.append(tree, pointer, orjson.loads(value))


# An edit and how many arguments it takes beside the tree.
_EDITS: Mapping[str, tuple[Callable[..., Tree], int]] = {
    "add": (_add, 2),
    "remove": (edits.remove, 1),
    "duplicate": (edits.duplicate, 1),
    "wrap": (edits.wrap, 1),
    "unwrap": (edits.unwrap, 1),
    "up": (_moved_by(-1), 1),
    "down": (_moved_by(2), 1),
    "move": (_move, 2),
    "set": (_set, 2),
    "drop": (_drop, 1),
    "append": (_append, 2),
    "take": (edits.take, 1),
}


def narrowing(block: Block, calculation: Calculation | None) -> list[dict[str, Any]]:
    """How many rows are left after each condition at the top, as far as that was counted."""
    after = calculation.counts.get("after", []) if calculation else []
    alone = calculation.counts.get("alone", []) if calculation else []
    if not after or len(after) != len(block.children):
        return []
    return [{"after": left, "alone": own} for left, own in zip(after, alone, strict=True)]
