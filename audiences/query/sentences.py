"""A tree in plain words, as it stands beside the SQL. What is gone is named as such, never an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from audiences.query.conditions import (
    AggregationTrait,
    Anniversary,
    At,
    AudienceCondition,
    Blank,
    Condition,
    CountTrait,
    Definition,
    EventCondition,
    Field,
    FormulaTrait,
    Function,
    Group,
    Instant,
    Limit,
    ListTrait,
    Match,
    Moment,
    Number,
    OccurrenceTrait,
    Operand,
    Operator,
    Percentile,
    PropertyCondition,
    Quantifier,
    RelationCondition,
    Relative,
    Scalar,
    Span,
    SqlTrait,
    Test,
    Trait,
    TraitCondition,
    Uploaded,
    Values,
    Which,
    Window,
)
from audiences.query.errors import Path
from audiences.query.schema import StudioModel, StudioSchema

_GONE = "(not there any more)"
_SHOWN = 3
# How operators read behind a value, behind something that was done, and before a number; menus use them, too.
VERBS = {
    Operator.EQUALS: "is",
    Operator.NOT_EQUALS: "is not",
    Operator.CONTAINS: "contains",
    Operator.NOT_CONTAINS: "does not contain",
    Operator.STARTS_WITH: "starts with",
    Operator.ENDS_WITH: "ends with",
    Operator.GREATER: "is more than",
    Operator.LESS: "is less than",
    Operator.GREATER_OR_EQUAL: "is at least",
    Operator.LESS_OR_EQUAL: "is at most",
    Operator.BEFORE: "is before",
    Operator.AFTER: "is after",
    Operator.WITHIN: "is within",
    Operator.NOT_WITHIN: "is not within",
    Operator.BETWEEN: "is between",
    Operator.ANNIVERSARY: "has its anniversary",
    Operator.EXISTS: "has a value",
    Operator.NOT_EXISTS: "has no value",
}
TIMES = {
    Operator.EQUALS: "on",
    Operator.BEFORE: "before",
    Operator.AFTER: "after",
    Operator.WITHIN: "within",
    Operator.NOT_WITHIN: "not within",
    Operator.BETWEEN: "between",
    Operator.ANNIVERSARY: "on an anniversary",
    Operator.EXISTS: "at a known time",
    Operator.NOT_EXISTS: "at an unknown time",
}
NUMBERS = {
    Operator.GREATER_OR_EQUAL: "at least",
    Operator.LESS_OR_EQUAL: "at most",
    Operator.EQUALS: "exactly",
    Operator.NOT_EQUALS: "not exactly",
    Operator.GREATER: "more than",
    Operator.LESS: "fewer than",
}
# What one does, and what several do.
_OF_MANY = {"has": "have", "is": "are", "shares": "share"}
_FUNCTIONS = {
    Function.SUM: "the sum of",
    Function.AVERAGE: "the average of",
    Function.MINIMUM: "the least",
    Function.MAXIMUM: "the greatest",
}
_OCCURRENCES = {
    Which.FIRST: "the first",
    Which.LAST: "the last",
    Which.MOST_FREQUENT: "the most frequent",
    Which.LEAST_FREQUENT: "the least frequent",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One condition in words: its path, how deep it is indented, and whether it heads a group."""

    path: Path
    depth: int
    words: str
    group: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says trees of one schema in words."""

    schema: StudioSchema

    def sentence(self, model: str, definition: Definition) -> str:
        """The whole definition as one sentence."""
        found = self.schema.models.get(model)
        name = found.name if found else _GONE
        limit = self.limit(definition.limit, found) if definition.limit else ""
        if not definition.where.conditions:
            return f"All {name}{limit}."
        return f"{name} {self.group(definition.where, found)}{limit}."

    def lines(self, model: str, definition: Definition) -> list[Line]:
        """The definition condition by condition, with the paths that problems and explanations have."""
        return list(self._lines(definition.where, self.schema.models.get(model), ("where",), 0))

    def _lines(self, group: Group, model: StudioModel | None, path: Path, depth: int) -> Iterator[Line]:
        for place, condition in enumerate(group.conditions):
            here = (*path, "conditions", place)
            if isinstance(condition, Group):
                words = "all of these hold" if condition.match is Match.ALL else "any of these holds"
                yield Line(here, depth, words, group=True)
                yield from self._lines(condition, model, here, depth + 1)
            else:
                yield Line(here, depth, self.condition(condition, model))

    def group(self, group: Group, model: StudioModel | None) -> str:
        """A group's conditions behind the name of its rows: those *where* a value is so, *that* did something."""
        word, words = self._told(group, model)
        return f"{word} {words}"

    def _told(self, group: Group, model: StudioModel | None) -> tuple[str, str]:
        """The word that leads to the first condition, and all conditions, joined."""
        if not group.conditions:
            return "where", "everything holds"
        said: list[str] = []
        first = before = ""
        for each in group.conditions:
            word, words = self._clause(each, model)
            first = first or word
            if said and word != before:
                words = f"{word} {words}"
            said.append(f"({words})" if _needs_brackets(each, group) else words)
            before = "" if isinstance(each, Group) else word
        return first, (" and " if group.match is Match.ALL else " or ").join(said)

    def _clause(self, condition: Condition, model: StudioModel | None) -> tuple[str, str]:
        if isinstance(condition, Group):
            return self._told(condition, model)
        words = self.condition(condition, model)
        if isinstance(condition, PropertyCondition | TraitCondition):
            return "where", words
        verb, _, rest = words.partition(" ")
        return "that", f"{_OF_MANY.get(verb, verb)} {rest}"

    def condition(self, condition: Condition, model: StudioModel | None) -> str:
        """One condition."""
        match condition:
            case Group():
                return self._told(condition, model)[1]
            case PropertyCondition():
                return f"{self.field(condition.field, model)} {self.test(condition.test)}"
            case RelationCondition():
                return self._relation(condition, model)
            case EventCondition():
                return self._event(condition, model)
            case AudienceCondition():
                audience = self.schema.audiences.get(condition.audience)
                name = f"“{audience.name}”" if audience else f"an audience {_GONE}"
                return f"is in {name}" if condition.member else f"is not in {name}"
            case TraitCondition():
                return f"{self._trait(condition, model)} {self.test(condition.test)}"
        assert_never(condition)

    def _relation(self, condition: RelationCondition, model: StudioModel | None) -> str:
        target, name = self._target(condition.relationship, model)
        verb = "has"
        if condition.others:
            verb, target = f"shares {name} with", model
            name = f"other {model.name}" if model else name
        where = self._where(condition.where, target)
        if condition.quantifier is Quantifier.NUMBER and condition.number:
            return f"{verb} {self.number(condition.number)} {name}{where}"
        return f"{verb} {'no' if condition.quantifier is Quantifier.NONE else 'any'} {name}{where}"

    def _event(self, condition: EventCondition, model: StudioModel | None) -> str:
        target, name = self._target(condition.relationship, model)
        when = ""
        if condition.when is not None:
            operand = self.operand(condition.when.operand)
            when = " " + " ".join(filter(None, (TIMES.get(condition.when.operator, ""), operand)))
        times = f" {self.number(condition.number)} {_times(condition.number.count)}" if condition.number else ""
        verb = "did" if condition.performed else "did not do"
        return f"{verb} {name}{times}{when}{self._where(condition.where, target)}"

    def _where(self, group: Group, target: StudioModel | None) -> str:
        return f" {self.group(group, target)}" if group.conditions else ""

    def _target(self, relationship: str, model: StudioModel | None) -> tuple[StudioModel | None, str]:
        hops = self.schema.step(relationship, model.id) if model else None
        target = self.schema.models.get(hops[-1].model) if hops else None
        return target, target.name if target else f"a model {_GONE}"

    def _trait(self, condition: TraitCondition, model: StudioModel | None) -> str:
        if condition.definition is not None:
            named, definition = self.trait(condition.definition, model), condition.definition
        else:
            saved = self.schema.traits.get(condition.trait or "")
            if saved is None:
                return f"a trait {_GONE}"
            named, definition = saved.name, saved.definition
        if isinstance(definition, FormulaTrait) or not condition.where.conditions:
            return named
        target, _ = self._target(definition.relationship, model)
        return f"{named} (of those {self.group(condition.where, target)})"

    def trait(self, trait: Trait, model: StudioModel | None) -> str:
        """What a trait calculates."""
        if isinstance(trait, FormulaTrait):
            return "a formula"
        target, name = self._target(trait.relationship, model)
        where = self._where(trait.where, target)
        match trait:
            case AggregationTrait():
                return f"{_FUNCTIONS[trait.function]} {self.field(trait.column, target)} of {name}{where}"
            case CountTrait(column=None):
                return f"the number of {name}{where}"
            case CountTrait(column=column):
                kind = "different values" if trait.distinct else "values"
                assert column is not None
                return f"the number of {kind} of {self.field(column, target)} in {name}{where}"
            case OccurrenceTrait():
                by = f" by {self.field(trait.order_by, target)}" if trait.order_by else ""
                return f"{_OCCURRENCES[trait.which]} {self.field(trait.column, target)} of {name}{by}{where}"
            case ListTrait():
                columns = ", ".join(self.field(each.column, target) for each in trait.columns)
                return f"the list of {columns} of {name}{where}"
            case SqlTrait():
                return f"a calculation over {name}{where}"
        assert_never(trait)

    # Pieces.

    def field(self, field: Field, model: StudioModel | None) -> str:
        """A column as people know it."""
        owner, via = model, ""
        for relationship in field.via:
            owner, name = self._target(relationship, owner)
            via += f"{name} → "
        column = owner.column(field.column) if owner else None
        named = column.title if column else f"{field.column} {_GONE}"
        return f"{via}{named}{f' → {field.path}' if field.path else ''}"

    def test(self, test: Test) -> str:
        """An operator and what it compares with."""
        operand = self.operand(test.operand, negative=test.operator in {Operator.NOT_EQUALS, Operator.NOT_CONTAINS})
        return " ".join(filter(None, (VERBS[test.operator], operand)))

    def number(self, number: Number) -> str:
        """How many."""
        return f"{NUMBERS.get(number.operator, number.operator)} {number.count:,}"

    def operand(self, operand: Operand | None, *, negative: bool = False) -> str:
        """What a test compares with."""
        match operand:
            case None:
                return ""
            case Values(values=values):
                return _listed([_scalar(each) for each in values], "nor" if negative else "or")
            case Uploaded(list=id_):
                found = self.schema.lists.get(id_)
                return f"one of the {len(found.values):,} in “{found.name}”" if found else f"in a list {_GONE}"
            case Percentile(percentile=percent):
                return f"the {percent:g}th percentile"
            case Instant(moment=moment):
                return _moment(moment)
            case Span(start=start, end=end):
                return f"{_moment(start)} and {_moment(end)}"
            case Window():
                return _window(operand)
            case Anniversary(in_days=days):
                return "today" if days == 0 else f"{abs(days)} {_plural('day', days)} {'ahead' if days > 0 else 'ago'}"
            case Blank(label=label):
                return f"[{label or 'to fill in'}]"
        assert_never(operand)

    def limit(self, limit: Limit, model: StudioModel | None) -> str:
        """How many at most, and which."""
        if limit.by is not None:
            by = self.field(limit.by, model)
        else:
            trait = self.schema.traits.get(limit.trait or "")
            by = trait.name if trait else f"a trait {_GONE}"
        end = "bottom" if limit.bottom else "top"
        size = f"{limit.count:,}" if limit.count is not None else f"{limit.percent or 0:g} percent"
        return f", only the {end} {size} by {by}"


def _needs_brackets(condition: Condition, group: Group) -> bool:
    return (
        isinstance(condition, Group)
        and len(condition.conditions) > 1
        and len(group.conditions) > 1
        and condition.match is not group.match
    )


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"“{value}”" if isinstance(value, str) else f"{value:,}"


def _listed(values: list[str], word: str) -> str:
    shown = values if len(values) <= _SHOWN + 1 else [*values[:_SHOWN], f"{len(values) - _SHOWN:,} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {word} {shown[-1]}" if shown else "[to fill in]"


def _moment(moment: Moment) -> str:
    if isinstance(moment, At):
        return moment.at.replace("T", " ")
    assert isinstance(moment, Relative)
    if moment.amount == 0:
        return "now"
    return f"{moment.amount:,} {_plural(moment.unit, moment.amount)} {'from now' if moment.ahead else 'ago'}"


def _window(window: Window) -> str:
    kind = "calendar " if window.calendar else ""
    if window.calendar and window.amount == 0:
        return f"this calendar {window.unit}"
    direction = "next" if window.ahead else "previous"
    amount = "" if window.amount == 1 else f"{window.amount:,} "
    return f"the {direction} {amount}{kind}{_plural(window.unit, window.amount)}"


def _plural(unit: str, amount: int) -> str:
    return str(unit) if abs(amount) == 1 else f"{unit}s"


def _times(count: int) -> str:
    return "time" if count == 1 else "times"
