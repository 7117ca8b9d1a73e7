"""Whether a trait can be calculated: everything that is wrong with one, without asking the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from audiences.builder.offers import Offers
from audiences.definitions import NEW, asker
from audiences.query.codec import dump, load_group, load_trait
from audiences.query.conditions import (
    AggregationTrait,
    CountTrait,
    Definition,
    FormulaTrait,
    ListTrait,
    ResultType,
    Scalar,
    SqlTrait,
    Trait,
)
from audiences.query.errors import InvalidTree, Problem
from audiences.query.formulas import with_ids, with_names
from audiences.query.schema import SavedAudience, SavedTrait, StudioSchema, Surface
from audiences.query.statements import Output, Query
from audiences.query.uses import loop_of
from connectors.sdk.types import ColumnType


def problems_of_trait(
    schema: StudioSchema, model: str, definition: Any, *, trait: str = NEW, name: str = "", template: bool = False
) -> Sequence[Problem]:
    """Everything that is wrong with a trait's definition; the blanks of a template are not."""
    try:
        tree = load_trait(definition)
    except InvalidTree as error:
        return error.problems
    if isinstance(tree, FormulaTrait):
        tree = replace_sql(tree, with_ids(tree.sql, schema, model))
    meant = SavedTrait(id=trait, name=name or "This trait", model=model, definition=tree, template=template)
    known = replace(schema, traits={**schema.traits, trait: meant})
    if loop := loop_of(known, trait):
        way = " → ".join(f"“{each}”" for each in loop)
        return [Problem((), "trait_loop", f"“{meant.name}” would be made of itself: {way}.")]
    if isinstance(tree, SqlTrait) and not fits(tree.default, tree.result):
        return [Problem(("default",), "operand_unfit", f"“{tree.default}” is not of the type {tree.result}.")]
    try:
        asker(known).trait_values(model, tree)
    except InvalidTree as error:
        return [each for each in error.problems if not (template and each.code == "blank")]
    return []


def fits(default: Scalar | None, result: ResultType) -> bool:
    """Whether a default is of the type that SQL gives."""
    match result:
        case ResultType.NUMBER:
            return default is None or (isinstance(default, int | float) and not isinstance(default, bool))
        case ResultType.BOOLEAN:
            return default is None or isinstance(default, bool)
        case _:
            return default is None or isinstance(default, str)


def problems_of_output(
    schema: StudioSchema, model: str, output: Output, *, surface: Surface = Surface.FILTERS
) -> Sequence[Problem]:
    """Everything that is wrong with one column of a result, as far as it appears there."""
    try:
        values_of(schema, model, [output], surface=surface)
    except InvalidTree as error:
        return error.problems
    return []


def values_of(schema: StudioSchema, model: str, outputs: Sequence[Output], **asked: Any) -> Query:
    """These columns for all rows of a model; ``asked`` as for :meth:`~audiences.query.statements.Asker.members`."""
    everybody = SavedAudience(id=NEW, name="Everybody", model=model, definition=Definition())
    return asker(schema).members(everybody, outputs, **asked)


def stored_trait(schema: StudioSchema, model: str, definition: Any) -> Any:
    """A sound definition as it is stored: formulas refer to traits by id."""
    return with_trait_ids(schema, model, dump(load_trait(definition)))


def with_trait_ids(schema: StudioSchema, model: str, stored: Any) -> Any:
    """Conditions or a trait of a model, as JSON, whose formulas refer to traits by id: these can be renamed."""
    if isinstance(stored, list):
        return [with_trait_ids(schema, model, each) for each in stored]
    if not isinstance(stored, dict):
        return stored
    if stored.get("method") == "formula":
        return {**stored, "sql": with_ids(stored["sql"], schema, model)}
    hops = schema.step(_leads_by(schema, stored), model)
    below = hops[-1].model if hops else model
    return {key: with_trait_ids(schema, below if key == "where" else model, each) for key, each in stored.items()}


def _leads_by(schema: StudioSchema, stored: Mapping[str, Any]) -> str:
    """The relationship to the rows that the conditions in ``where`` are about; empty where it is the row itself."""
    saved = schema.traits.get(str(stored.get("trait")))
    about = stored.get("definition") or (dump(saved.definition) if saved else {})
    return str(stored.get("relationship") or about.get("relationship") or "")


def same_trait(one: Any, other: Any) -> bool:
    """Whether two stored definitions mean the same, however they are written."""
    try:
        return load_trait(one) == load_trait(other)
    except InvalidTree:
        return bool(one == other)


def shown_trait(schema: StudioSchema, model: str, stored: Any) -> Any:
    """A stored definition as people write it: formulas refer to traits by name."""
    if stored.get("method") != "formula" or not isinstance(stored.get("sql"), str):
        return stored
    return {**stored, "sql": with_names(stored["sql"], schema, model)}


def stored_group(group: Any) -> Any:
    """Conditions as they are stored. Raises :class:`InvalidTree`."""
    return dump(load_group(group or {}))


def type_of_trait(schema: StudioSchema, model: str, definition: Trait) -> ColumnType:
    """The type of a trait's values."""
    return Offers(schema, schema.models.get(model)).trait_type(definition)


def may_suggest(schema: StudioSchema, model: str, definition: Any) -> bool:
    """Whether filters can suggest its values: texts that were not merely counted, added up or listed."""
    try:
        tree = load_trait(definition)
    except InvalidTree:
        return False
    if isinstance(tree, AggregationTrait | CountTrait | ListTrait):
        return False
    return type_of_trait(schema, model, tree) is ColumnType.STRING


def replace_sql(tree: FormulaTrait, sql: str) -> FormulaTrait:
    """The formula with another text."""
    return FormulaTrait(sql, tree.result)
