"""The builder inside its pages: a definition that is being worked on, edit by edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from django.http import QueryDict

from audiences import access
from audiences.builder import edits, words
from audiences.builder.blocks import Block, blocks
from audiences.builder.edits import BadEdit, Tree
from audiences.builder.fitting import fitted
from audiences.builder.offers import Offers
from audiences.definitions import asker, given, problems_of, schema_with_audiences
from audiences.models import Audience, Calculation, SchemaModel
from audiences.query.codec import load_definition
from audiences.query.errors import InvalidTree, Problem
from audiences.query.sentences import Speaker
from config.errors import Invalid
from governance.audit.actors import Actor

MOST_CHARACTERS = 1_000_000
ENDS = (("false", "top"), ("true", "bottom"))


@dataclass
class Building:
    """What the page shows of a definition: blocks, the sentence, the SQL, and what is wrong."""

    actor: Actor
    parent: SchemaModel
    tree: Tree
    audience: Audience | None = None

    @cached_property
    def offers(self) -> Offers:
        """What this person can choose from."""
        schema = schema_with_audiences(self.parent.source, self.actor)
        excluded = str(self.audience.pk) if self.audience else ""
        return Offers(schema, schema.models.get(str(self.parent.pk)), excluded=excluded)

    @cached_property
    def fitted(self) -> Tree:
        """The definition, fitted to the schema."""
        return fitted(self.tree, self.offers)

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with it."""
        schema = schema_with_audiences(self.parent.source)
        return problems_of(self.parent, self.fitted, schema, self.audience)

    def block(self) -> Block:
        """The outermost group."""
        return blocks(self.fitted, self.offers, self.problems)

    def sentence(self) -> str:
        """The definition in plain words; empty while it is not whole."""
        try:
            definition = load_definition(self.fitted)
        except InvalidTree:
            return ""
        return Speaker(self.offers.schema).sentence(str(self.parent.pk), definition)

    def sql(self) -> str:
        """What the source is asked; empty while something is wrong."""
        if self.problems:
            return ""
        schema = schema_with_audiences(self.parent.source)
        return asker(schema).members(given(self.parent, self.fitted, self.audience)).sql(pretty=True)

    def context(self) -> dict[str, Any]:
        """What the templates need."""
        tested = {problem.pointer for problem in self.problems}
        return {
            "root": self.block(),
            "tree": orjson.dumps(self.fitted).decode(),
            "sentence": self.sentence(),
            "sql": self.sql(),
            "problem_count": len(tested),
            "parent": self.parent,
            "words": MENUS,
            "suggestions": self.suggestions(),
        }

    def suggestions(self) -> list[tuple[str, list[str]]]:
        """The most frequent values of columns, for those who may see them: an id for the page, and the values."""
        if not access.may_see_suggestions(self.actor, self.parent):
            return []
        columns = self.parent.columns.filter(suggest=True, enabled=True, missing=False)
        return [(column.name, [str(value) for value, _ in column.suggestions]) for column in columns]


MENUS: Mapping[str, Any] = {
    "counted": [(operator.value, label) for operator, label in words.COUNTED.items()],
    "quantifiers": [(each.value, label) for each, label in words.QUANTIFIERS.items()],
    "units": [(unit.value, label) for unit, label in words.UNITS.items()],
    "read_as": list(words.READ_AS.items()),
    "ends": ENDS,
}


def posted_tree(data: QueryDict) -> Tree:
    """The definition that a form was sent with: what was on the page, what was typed, and one edit."""
    written = data.get("tree", "")
    if len(written) > MOST_CHARACTERS:
        raise Invalid("This definition is too large for the page.", hint="Upload long lists of values as files.")
    try:
        tree = orjson.loads(written) if written else edits.empty()
        if not isinstance(tree, dict):
            raise BadEdit("The page sent no definition.")
        tree = edits.posted(tree, data.lists())
        return edited(tree, data.get("do", ""))
    except (orjson.JSONDecodeError, BadEdit) as error:
        raise Invalid(f"This change does not fit the page: {error}", hint="Load the page again.") from None


def edited(tree: Tree, asked: str) -> Tree:
    """The tree after one edit, written ``name|place`` with more after further bars. Raises :class:`BadEdit`."""
    name, *arguments = asked.split("|", 2)
    edit = _EDITS.get(name)
    if edit is None:
        return tree
    try:
        return edit(tree, *arguments)
    except TypeError:
        raise BadEdit(f"“{asked}” is not an edit.") from None


def _add(tree: Tree, group: str, kind: str) -> Tree:
    if kind not in edits.NEW_CONDITIONS:
        raise BadEdit(f"“{kind}” is not a kind of condition.")
    return edits.add(tree, group, edits.NEW_CONDITIONS[kind])


def _moved_by(steps: int) -> Callable[[Tree, str], Tree]:
    def move(tree: Tree, condition: str) -> Tree:
        group, _, place = condition.rpartition("/conditions/")
        if not place.isdigit():
            raise BadEdit(f"“{condition}” is not a condition.")
        return edits.move(tree, condition, group, max(0, int(place) + steps))

    return move


def _set(tree: Tree, pointer: str, value: str) -> Tree:
    return edits.put(tree, pointer, orjson.loads(value))


def _drop(tree: Tree, pointer: str) -> Tree:
    return edits.put(tree, pointer, None)


_EDITS: Mapping[str, Callable[..., Tree]] = {
    "add": _add,
    "remove": edits.remove,
    "duplicate": edits.duplicate,
    "wrap": edits.wrap,
    "unwrap": edits.unwrap,
    "up": _moved_by(-1),
    "down": _moved_by(2),
    "set": _set,
    "drop": _drop,
}


def narrowing(block: Block, calculation: Calculation | None) -> list[dict[str, Any]]:
    """How many rows are left after each condition at the top, as far as that was counted."""
    after = calculation.counts.get("after", []) if calculation else []
    alone = calculation.counts.get("alone", []) if calculation else []
    if not after or len(after) != len(block.children):
        return []
    return [{"after": left, "alone": own} for left, own in zip(after, alone, strict=True)]
