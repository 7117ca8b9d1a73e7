"""What an audience is made of, and whom it shares with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlglot import exp

from audiences.query import traits
from audiences.query.compiler import At, Compiler
from audiences.query.conditions import CountTrait, Field, Group, Test
from audiences.query.errors import InvalidTree, Path, refused
from audiences.query.layers import not_captured
from audiences.query.nodes import absent, all_of, column, flag, named, number, ordered
from audiences.query.schema import SavedAudience, Surface
from audiences.query.scope import Scope
from audiences.query.statements import NOTHING, Asker, Output, Query, added, counted, finished, over
from audiences.query.values import Value
from connectors.sdk.types import ColumnType

MOST_GROUPS = 1_000
_RANGED = (ColumnType.NUMBER, ColumnType.DATE, ColumnType.TIMESTAMP)
_GROUPED = (ColumnType.STRING, ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.TIMESTAMP)


class Calculation(StrEnum):
    """How a measure of the members of a group becomes one number."""

    COUNT = "count"
    DISTINCT = "distinct"
    SUM = "sum"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


_FUNCTIONS: dict[Calculation, type[exp.AggFunc]] = {
    Calculation.SUM: exp.Sum,
    Calculation.AVERAGE: exp.Avg,
    Calculation.MINIMUM: exp.Min,
    Calculation.MAXIMUM: exp.Max,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is looked at of each member: a column, a trait, or how many related rows or events it has."""

    field: Field | None = None
    trait: str | None = None
    relationship: str | None = None
    where: Group = NOTHING


Before = tuple[SavedAudience, ...]


def overlap(asker: Asker, one: SavedAudience, other: SavedAudience, before: tuple[Before, Before] = ((), ())) -> Query:
    """How many members two audiences share: the columns ``both``, ``only_first`` and ``only_second``.

    ``before`` are the audiences that stand before each of them in its priority list.
    """
    if one.model != other.model:
        raise refused((), "wrong_model", f"“{other.name}” is made of another model than “{one.name}”.")
    compiler = asker.compiler()
    scope = compiler.scope(one.model)
    flags = [
        named(flag(_member(compiler, scope, audience, before[place])), f"in_{place}")
        for place, audience in enumerate((one, other))
    ]
    rows = scope.fill(exp.Select(expressions=flags))
    alias = compiler.sources.name("flags")
    first, second = column("in_0", alias), column("in_1", alias)
    both = exp.Mul(this=first.copy(), expression=second.copy())
    made = [
        added(both, "both"),
        added(exp.Sub(this=first.copy(), expression=both.copy()), "only_first"),
        added(exp.Sub(this=second.copy(), expression=both.copy()), "only_second"),
    ]
    return finished(compiler, over(rows, alias, *made))


def _member(compiler: Compiler, scope: Scope, audience: SavedAudience, before: Before) -> exp.Expr:
    with compiler.inside(audience):
        return compiler.membership(
            scope, audience, At(alone=False), lambda level: not_captured(compiler, level, before)
        )


def breakdown(
    asker: Asker,
    audience: SavedAudience,
    by: Measure,
    *,
    measure: Measure | None = None,
    calculation: Calculation = Calculation.COUNT,
    edges: Sequence[Test] = (),
    groups: int = 50,
    before: Before = (),
) -> Query:
    """The members in groups: the columns ``group``, ``members`` and ``value``, the largest groups first.

    Without a measure the value is the number of members. With ``edges`` a group is the place of the first of these
    tests that holds, or their number where none does. ``before`` is as for :func:`overlap`.
    """
    compiler = asker.compiler()
    scope = compiler.scope(audience.model)
    grouping = _measured(compiler, scope, by, ("by",))
    measured = _measured(compiler, scope, measure, ("measure",)) if measure else None
    _check(compiler, grouping, measured, calculation)
    group = _bucket(compiler, grouping, edges) if edges and not compiler.problems else grouping.node
    chosen = [("group", group), *([("measure", measured.node)] if measured else [])]
    members = _members(compiler, scope, audience, chosen, before)
    alias = compiler.sources.name("members")
    value = _calculated(column("measure", alias), calculation) if measured else exp.Count(this=exp.Star())
    query = over(members, alias, named(column("group", alias), "group"), counted("members"), named(value, "value"))
    query = query.group_by(column("group", alias), copy=False)
    order = [ordered(exp.Count(this=exp.Star()), descending=True), ordered(column("group", alias))]
    return finished(compiler, query.order_by(*order, copy=False).limit(min(groups, MOST_GROUPS), copy=False))


def spread(asker: Asker, audience: SavedAudience, by: Measure, before: Before = ()) -> Query:
    """How a measure is spread: ``members``, how many are ``empty``, ``different`` values, ``least``, ``greatest``.

    Of values without an order that means something, the last two are null.
    """
    compiler = asker.compiler()
    scope = compiler.scope(audience.model)
    measured = _measured(compiler, scope, by, ("by",))
    _check(compiler, measured, None, Calculation.COUNT)
    members = _members(compiler, scope, audience, [("value", measured.node)], before)
    alias = compiler.sources.name("members")
    value = column("value", alias)
    ends: list[exp.Expr] = [exp.null(), exp.null()]
    if measured.type in _RANGED:
        ends = [exp.Min(this=value.copy()), exp.Max(this=value.copy())]
    made = [
        counted("members"),
        added(flag(absent(value.copy())), "empty"),
        named(exp.Count(this=exp.Distinct(expressions=[value.copy()])), "different"),
        named(ends[0], "least"),
        named(ends[1], "greatest"),
    ]
    return finished(compiler, over(members, alias, *made))


def type_of(asker: Asker, model: str, measure: Measure) -> ColumnType:
    """The type of a measure's values. Raises :class:`InvalidTree` where it cannot be had."""
    compiler = asker.compiler()
    found = _measured(compiler, compiler.scope(model), measure, ("by",))
    if compiler.problems:
        raise InvalidTree(compiler.problems)
    return found.type


def _members(
    compiler: Compiler, scope: Scope, audience: SavedAudience, chosen: list[tuple[str, exp.Expr]], before: Before
) -> exp.Select:
    with compiler.inside(audience):
        holds = all_of([compiler.qualifies(scope, audience, At()), not_captured(compiler, scope, before)])
        return compiler.limited(scope, chosen, holds, audience.definition.limit, At(("limit",)))


def _bucket(compiler: Compiler, value: Value, edges: Sequence[Test]) -> exp.Expr:
    """The place of the first edge that a value is below; null stays null."""
    empty = exp.If(this=absent(value.node.copy()), true=exp.null())
    below = [
        exp.If(this=compiler.tester.test(value, edge, ("edges", place), None), true=number(place))
        for place, edge in enumerate(edges)
    ]
    return exp.Case(ifs=[empty, *below], default=number(len(edges)))


def suggestions(asker: Asker, model: str, output: Output, *, most: int = 200) -> Query:
    """The commonest values of a column or trait, most frequent first: the columns ``value`` and ``rows``."""
    compiler = asker.compiler()
    scope = compiler.scope(model)
    ((_, node),) = asker.outputs(compiler, scope, [replace(output, name="value")], Surface.SUGGESTIONS)
    alias = compiler.sources.name("rows")
    rows = scope.fill(exp.select(named(node, "value")))
    query = over(rows, alias, named(column("value", alias), "value"), counted("rows"))
    query = query.where(exp.Not(this=exp.Is(this=column("value", alias), expression=exp.null())), copy=False)
    query = query.group_by(column("value", alias), copy=False)
    order = [ordered(exp.Count(this=exp.Star()), descending=True), ordered(column("value", alias))]
    return finished(compiler, query.order_by(*order, copy=False).limit(most, copy=False))


def _measured(compiler: Compiler, scope: Scope, measure: Measure, path: Path) -> Value:
    try:
        if measure.field is not None:
            return scope.value(measure.field, path, Surface.ANALYTICS)
        if measure.trait is not None:
            return traits.saved(
                compiler, scope, measure.trait, At(path), extra=measure.where, surface=Surface.ANALYTICS
            )
        if measure.relationship is not None:
            counting = CountTrait(measure.relationship, where=measure.where)
            return traits.value(compiler, scope, counting, At(path), title="The number of rows")
        raise refused(path, "malformed", "A breakdown is by a column, a trait or related rows.")
    except InvalidTree as error:
        compiler.problems += error.problems
        return Value(node=exp.null(), type=ColumnType.STRING, title="")


def _check(compiler: Compiler, grouping: Value, measured: Value | None, calculation: Calculation) -> None:
    try:
        if grouping.type not in _GROUPED:
            raise refused(("by",), "operand_unfit", f"“{grouping.title}” has no values that could be grouped.")
        numeric = calculation not in {Calculation.COUNT, Calculation.DISTINCT}
        if measured is not None and numeric and measured.type is not ColumnType.NUMBER:
            raise refused(("measure",), "operand_unfit", f"“{measured.title}” is no number.")
        if measured is None and calculation is not Calculation.COUNT:
            raise refused(("measure",), "operand_unfit", "Choose what to calculate with.")
    except InvalidTree as error:
        compiler.problems += error.problems


def _calculated(node: exp.Expr, calculation: Calculation) -> exp.Expr:
    if calculation is Calculation.COUNT:
        return exp.Count(this=node)
    if calculation is Calculation.DISTINCT:
        return exp.Count(this=exp.Distinct(expressions=[node]))
    if calculation is Calculation.AVERAGE:
        node = exp.cast(node, "DOUBLE")
    return _FUNCTIONS[calculation](this=node)
