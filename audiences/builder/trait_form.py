"""A trait's definition as a form: what the page shows of each setting, and what can be chosen in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiences.builder.edits import Tree
from audiences.builder.offers import Choice, ChoiceGroup, Offers, field_value
from audiences.builder.trait_fitting import ORDERED, methods_of
from audiences.query import formulas
from audiences.query.conditions import Function, ResultType, Which
from audiences.query.schema import StudioColumn, StudioSchema, Surface
from connectors.sdk.types import ColumnType

if TYPE_CHECKING:
    from audiences.builder.blocks import Block

MakeGroup = Callable[[Tree, str, Offers], "Block"]

METHODS: Mapping[str, tuple[str, str]] = {
    "aggregation": ("Aggregation", "The sum or average of a number in the rows that belong to each row."),
    "count": ("Count", "How many rows there are, or how many of them have a value."),
    "occurrence": ("Occurrence", "The first, last, most frequent or least frequent value."),
    "list": ("List", "All values, or objects of several, in an order of your choice."),
    "sql": ("SQL aggregation", "One value from many rows, by SQL of your own."),
    "formula": ("SQL formula", "A value from the row's own columns and other traits, by SQL of your own."),
}
FUNCTIONS: Mapping[Function, str] = {
    Function.SUM: "Sum",
    Function.AVERAGE: "Average",
    Function.MINIMUM: "Least",
    Function.MAXIMUM: "Greatest",
}
WHICH: Mapping[Which, str] = {
    Which.FIRST: "First",
    Which.LAST: "Last",
    Which.MOST_FREQUENT: "Most frequent",
    Which.LEAST_FREQUENT: "Least frequent",
}
TYPES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "Text",
    ColumnType.NUMBER: "Number",
    ColumnType.BOOLEAN: "Yes or no",
    ColumnType.TIMESTAMP: "Moment",
    ColumnType.DATE: "Day",
    ColumnType.OBJECT: "List or object",
}


@dataclass(frozen=True, slots=True)
class FieldForm:
    """A column to choose: its place in the tree, what is chosen, and what can be."""

    pointer: str
    chosen: str
    groups: tuple[ChoiceGroup, ...]
    name: str = ""  # under which it stands in a list of objects
    choices: tuple[Choice, ...] = ()

    @property
    def gone(self) -> bool:
        """Whether what was chosen is not among the choices any more."""
        return bool(self.chosen) and not any(
            self.chosen == each.value for group in self.groups for each in group.choices
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that SQL refers to, and whether it is there."""

    name: str
    known: bool


@dataclass(frozen=True, slots=True)
class TraitForm:
    """The settings of a trait. ``problems`` are those of its own, not of the conditions in it."""

    pointer: str
    definition: Tree
    methods: tuple[Choice, ...]
    relationships: tuple[ChoiceGroup, ...] = ()
    name: str = ""  # of the related model
    column: FieldForm | None = None
    order_by: FieldForm | None = None
    columns: tuple[FieldForm, ...] = ()
    where: Block | None = None
    problems: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    insertable: tuple[ChoiceGroup, ...] = ()
    functions: tuple[Choice, ...] = tuple(Choice(each.value, label) for each, label in FUNCTIONS.items())
    which: tuple[Choice, ...] = tuple(Choice(each.value, label) for each, label in WHICH.items())
    results: tuple[Choice, ...] = tuple(Choice(each.value, TYPES[ColumnType(each.value)]) for each in ResultType)

    @property
    def method(self) -> str:
        """How the value is calculated."""
        return str(self.definition.get("method", ""))

    @property
    def method_words(self) -> str:
        """What the method does."""
        return METHODS[self.method][1]

    @property
    def relationship(self) -> str:
        """The chosen relationship."""
        return str(self.definition.get("relationship", ""))

    @property
    def gone(self) -> bool:
        """Whether the chosen relationship is not there any more."""
        offered = [each.value for group in self.relationships for each in group.choices]
        return bool(self.relationship) and self.relationship not in offered


def trait_form(
    definition: Tree,
    pointer: str,
    offers: Offers,
    problems: Mapping[str, str],
    make_group: MakeGroup,
    *,
    inline: bool = False,
) -> TraitForm:
    """The form of a fitted definition. ``problems`` are messages by their place."""
    methods = tuple(Choice(each, *METHODS[each]) for each in methods_of(offers, inline=inline))
    inside = f"{pointer}/where/conditions/"
    own = tuple(
        message
        for at, message in problems.items()
        if (at == pointer or at.startswith(f"{pointer}/")) and not at.startswith(inside)
    )
    sql = str(definition.get("sql", ""))
    if definition.get("method") == "formula":
        return TraitForm(
            pointer,
            definition,
            methods,
            problems=own,
            references=tuple(_referred(offers, sql)),
            insertable=_insertable(offers),
        )
    below = offers.below(str(definition.get("relationship", "")))
    groups = (ChoiceGroup("Related models", offers.relations()), ChoiceGroup("Events", offers.events()))
    return TraitForm(
        pointer,
        definition,
        methods,
        relationships=tuple(group for group in groups if group.choices),
        name=below.model.name if below.model else "",
        column=_column(definition, pointer, below),
        order_by=_order(definition, pointer, below),
        columns=tuple(_listed(definition, pointer, below)),
        where=make_group(definition.get("where", {}), f"{pointer}/where", below),
        problems=own,
        references=tuple(_columns_in(below, sql)),
        insertable=_columns_of(below) if definition.get("method") == "sql" else (),
    )


def _column(definition: Tree, pointer: str, below: Offers) -> FieldForm | None:
    method = definition.get("method")
    if method not in {"aggregation", "count", "occurrence"}:
        return None
    groups = below.fields()
    if method == "aggregation":
        numbers = (ChoiceGroup(g.label, tuple(c for c in g.choices if c.kind == ColumnType.NUMBER)) for g in groups)
        groups = tuple(group for group in numbers if group.choices)
    return _field(definition.get("column"), f"{pointer}/column", groups)


def _order(definition: Tree, pointer: str, below: Offers) -> FieldForm | None:
    method = definition.get("method")
    ordered = method == "occurrence" and definition.get("which") in ORDERED
    if not ordered and (method != "list" or definition.get("distinct")):
        return None
    return _field(definition.get("order_by"), f"{pointer}/order_by", below.fields())


def _listed(definition: Tree, pointer: str, below: Offers) -> Iterator[FieldForm]:
    groups = below.fields()
    for place, each in enumerate(definition.get("columns", ())):
        made = _field(each.get("column"), f"{pointer}/columns/{place}", groups)
        yield FieldForm(made.pointer, made.chosen, groups, str(each.get("name", "")))


def _field(field: Tree | None, pointer: str, groups: tuple[ChoiceGroup, ...]) -> FieldForm:
    return FieldForm(pointer, field_value(field) if field and field.get("column") else "", groups)


# What SQL refers to.


def _referred(offers: Offers, sql: str) -> Iterator[Reference]:
    schema, model = offers.schema, offers.model
    known = {reference for group in _insertable(offers) for reference in (each.label for each in group.choices)}
    for name in formulas.references(sql):
        trait = formulas.trait_named(schema, model.id, name.removeprefix("trait.")) if model else None
        there = name in known or (name.startswith("trait.") and trait is not None) or _is_merged(schema, offers, name)
        yield Reference(name, there)


def _is_merged(schema: StudioSchema, offers: Offers, name: str) -> bool:
    if offers.model is None or not name.startswith(formulas.MERGED):
        return False
    field = formulas.merged_field(schema, offers.model.id, name)
    return field is not None and offers.column({"column": field.column, "via": list(field.via)}) is not None


def _columns_in(below: Offers, sql: str) -> Iterator[Reference]:
    for name in formulas.references(sql):
        yield Reference(name, below.model is not None and below.model.column(name) is not None)


def _insertable(offers: Offers) -> tuple[ChoiceGroup, ...]:
    """What a formula can refer to: the text to insert, and the name."""
    schema, model = offers.schema, offers.model
    if model is None:
        return ()
    groups = [ChoiceGroup(model.name, tuple(_written(each.name) for each in model.columns if _usable(each)))]
    for relationship in schema.relationships.values():
        hops = schema.step(relationship.id, model.id)
        if not hops or not all(hop.single for hop in hops):
            continue
        other = schema.models[hops[-1].model]
        written = tuple(_written(f"{formulas.MERGED}{other.name}.{c.name}") for c in other.columns if _usable(c))
        groups.append(ChoiceGroup(f"From {other.name}", written))
    traits = [each for each in schema.traits.values() if each.model == model.id and not each.archived]
    named = sorted(f"trait.{formulas.reference_of(each)}" for each in traits if not each.template)
    groups.append(ChoiceGroup("Traits", tuple(_written(each) for each in named)))
    return tuple(group for group in groups if group.choices)


def _columns_of(below: Offers) -> tuple[ChoiceGroup, ...]:
    if below.model is None:
        return ()
    columns = [each.name for each in below.model.columns if _usable(each)]
    written = tuple(Choice(f'{{{{ column "{name}" }}}}', name) for name in columns)
    return (ChoiceGroup(below.model.name, written),) if written else ()


def _written(name: str) -> Choice:
    return Choice(f'{{{{"{name}"}}}}', name)


def _usable(column: StudioColumn) -> bool:
    return column.enabled and column.may(Surface.FILTERS)
