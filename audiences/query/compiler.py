"""Conditions → SQL: one way for all warehouses.

Related rows are asked for with EXISTS where a condition stands alone or among others that must all hold:
that is what query planners turn into semi-joins. Elsewhere, under "any of" or where conditions become
columns, their keys are grouped and joined once, as warehouses differ in what subqueries they take there.
Counts are grouped and joined everywhere. Whether rows without any would do decides how the join reads, so
that planners can make inner joins of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import assert_never

from sqlglot import exp

from audiences.query import traits
from audiences.query.conditions import (
    AudienceCondition,
    Condition,
    Definition,
    EventCondition,
    Group,
    Limit,
    Match,
    Number,
    Operator,
    PropertyCondition,
    Quantifier,
    RelationCondition,
    Test,
    TraitCondition,
)
from audiences.query.dialects import STUDIOS, Studio
from audiences.query.errors import InvalidTree, Path, Problem, refused
from audiences.query.nodes import (
    absent,
    aliased,
    all_of,
    any_of,
    column,
    equal,
    filtered,
    grouped,
    left_join,
    named,
    negated,
    number,
    ordered,
    present,
    row_number,
)
from audiences.query.operators import JoinValues, Tester, check_number, counts_hold
from audiences.query.schema import ModelKind, SavedAudience, SavedTrait, StudioSchema
from audiences.query.scope import Related, Scope, Sources, find_column, missing_relationship, model_of
from audiences.query.times import Clock
from audiences.query.values import Value
from connectors.sdk.types import ColumnType

MAX_LEVELS = 3


@dataclass(frozen=True, slots=True)
class At:
    """Where in the tree the compiler is: the place, how many relations deep, and whether EXISTS may stand here."""

    path: Path = ()
    level: int = 0
    alone: bool = True

    def to(self, *steps: str | int) -> At:
        """Further down."""
        return At((*self.path, *steps), self.level, self.alone)


@dataclass(slots=True)
class Compiler:
    """Makes the parts of one statement. Problems are collected, so that a person sees all of them at once."""

    schema: StudioSchema
    clock: Clock
    sampled: bool = False
    problems: list[Problem] = field(default_factory=list)
    sources: Sources = field(init=False)
    tester: Tester = field(init=False)
    _open: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        studio = STUDIOS[self.schema.dialect]
        self.sources = Sources(self.schema, studio, self.sampled)
        self.tester = Tester(self.schema, studio, self.clock)

    @property
    def studio(self) -> Studio:
        """The warehouse's profile."""
        return self.sources.studio

    def scope(self, model: str, path: Path = ()) -> Scope:
        """A level over a model."""
        return Scope.of(self.sources, model_of(self.schema.models, model, path))

    # Conditions.

    def condition(self, scope: Scope, condition: Condition, at: At) -> exp.Expr:
        """A condition on the rows of a level. It never holds for a row twice, nor changes how many rows there are."""
        try:
            return self._condition(scope, condition, at)
        except InvalidTree as error:
            self.problems += error.problems
            return exp.false()

    def _condition(self, scope: Scope, condition: Condition, at: At) -> exp.Expr:
        match condition:
            case Group():
                return self.group(scope, condition, at)
            case PropertyCondition():
                value = scope.value(condition.field, at.path)
                return self.tested(scope, value, condition.test, at)
            case RelationCondition():
                return self._relation(scope, condition, at)
            case EventCondition():
                return self._event(scope, condition, at)
            case AudienceCondition():
                return self._audience(scope, condition, at)
            case TraitCondition():
                return self._trait(scope, condition, at)
        assert_never(condition)

    def group(self, scope: Scope, group: Group, at: At) -> exp.Expr:
        """All or any of a group's conditions."""
        if not group.conditions:
            return exp.true()
        alone = at.alone and (group.match is Match.ALL or len(group.conditions) == 1)
        inside = At((*at.path, "conditions"), at.level, alone)
        made = [self.condition(scope, each, inside.to(place)) for place, each in enumerate(group.conditions)]
        return all_of(made) if group.match is Match.ALL else any_of(made)

    def tested(self, scope: Scope, value: Value, test: Test, at: At) -> exp.Expr:
        """A test of a value; long lists are joined to the level where a subquery may not stand."""
        join = None if self._subqueries(at) else self._joiner(scope)
        return self.tester.test(value, test, (*at.path, "test"), join)

    def _subqueries(self, at: At) -> bool:
        """Whether a subquery may stand here."""
        return at.alone or self.studio.exists_anywhere

    def _joiner(self, scope: Scope) -> JoinValues:
        def join(query: exp.Query, on: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
            alias = scope.sources.name("listed")
            condition = on(column("value", alias))
            scope.joins.append(left_join(aliased(query, alias), condition))
            return column("value", alias)

        return join

    # Related rows.

    def _relation(self, scope: Scope, condition: RelationCondition, at: At) -> exp.Expr:
        wanted = _wanted(condition.quantifier, condition.number, (*at.path, "number"))
        return self._counted(scope, *self.matching(scope, condition, at), wanted, at)

    def _event(self, scope: Scope, condition: EventCondition, at: At) -> exp.Expr:
        quantifier = Quantifier.NUMBER if condition.number else Quantifier.ANY
        if not condition.performed:
            quantifier = Quantifier.NONE
        wanted = _wanted(quantifier, condition.number, (*at.path, "number"))
        return self._counted(scope, *self.matching(scope, condition, at), wanted, at)

    def matching(self, scope: Scope, condition: RelationCondition | EventCondition, at: At) -> tuple[Related, exp.Expr]:
        """The related rows that a condition is about, and what has to hold for them."""
        others = isinstance(condition, RelationCondition) and condition.others
        related = self.related(scope, condition.relationship, at, others=others)
        holds = self._where(related.scope, condition.where, at)
        if others:
            return related, all_of([related.somebody_else(), holds])
        if isinstance(condition, RelationCondition):
            return related, holds
        if condition.when is not None:
            return related, all_of([self._when(related.scope, condition.when, at.to("when")), holds])
        if related.scope.model.kind is not ModelKind.EVENT:
            raise refused(at.path, "wrong_model", f"{related.scope.model.name} is not a model of events.")
        return related, holds

    def _when(self, scope: Scope, test: Test, at: At) -> exp.Expr:
        model = scope.model
        if model.kind is not ModelKind.EVENT or model.timestamp is None:
            raise refused(at.path, "wrong_model", f"{model.name} is not a model of events.")
        stamp = find_column(model, model.timestamp, at.path)
        value = Value(node=scope.column(stamp.name), type=stamp.type, title=stamp.title, zoned=stamp.zoned)
        return self.tester.test(value, test, at.path, None)

    def _where(self, scope: Scope, group: Group, at: At) -> exp.Expr:
        return self.group(scope, group, At((*at.path, "where"), at.level + 1))

    def related(self, scope: Scope, relationship: str, at: At, *, others: bool = False) -> Related:
        """The rows along a relationship, or all rows that share them."""
        if at.level >= MAX_LEVELS:
            message = f"Conditions on related rows nest {MAX_LEVELS} levels deep at most."
            raise refused(at.path, "too_deep", message)
        find = self.schema.sharing if others else self.schema.step
        hops = find(relationship, scope.model.id)
        if hops is None:
            raise missing_relationship(scope.model, (*at.path, "relationship"))
        return Related.of(scope, hops)

    def _counted(self, scope: Scope, related: Related, holds: exp.Expr, wanted: Number, at: At) -> exp.Expr:
        if _is(wanted, at_least_one=True):
            return self._some(scope, related, holds, at)
        if _is(wanted, at_least_one=False):
            return self._none(scope, related, holds, at)
        query = self._grouped_count(related, holds)
        alias = scope.join(query, related.outer, related.names, f"{related.scope.alias}_count")
        return self.tester.counts(column("rows", alias), wanted)

    def _some(self, scope: Scope, related: Related, holds: exp.Expr, at: At) -> exp.Expr:
        return exists(related, holds) if self._subqueries(at) else present(self._joined_key(scope, related, holds))

    def _none(self, scope: Scope, related: Related, holds: exp.Expr, at: At) -> exp.Expr:
        if self._subqueries(at):
            return exp.Not(this=exists(related, holds))
        return absent(self._joined_key(scope, related, holds))

    def _joined_key(self, scope: Scope, related: Related, holds: exp.Expr) -> exp.Expr:
        query = filtered(related.select(*related.keys()), holds).distinct(copy=False)
        alias = scope.join(query, related.outer, related.names, f"{related.scope.alias}_found")
        return column(related.names[0], alias)

    def _grouped_count(self, related: Related, holds: exp.Expr) -> exp.Query:
        rows = named(exp.Count(this=exp.Star()), "rows")
        if related.direct:
            query = filtered(related.select(*related.keys(), rows), holds)
            return query.group_by(*[node.copy() for node in related.inner], copy=False)
        keys = [named(node, f"row_{number}") for number, node in enumerate(related.scope.key())]
        single = filtered(related.select(*related.keys(), *keys), holds).distinct(copy=False)
        return grouped(single, related.names, [rows], self.sources.name("single"))

    # Audiences.

    def _audience(self, scope: Scope, condition: AudienceCondition, at: At) -> exp.Expr:
        audience = self.schema.audiences.get(condition.audience)
        if audience is None:
            raise refused(at.path, "unknown_audience", "The audience that this is about is not there any more.")
        if audience.model != scope.model.id:
            message = f"“{audience.name}” is not an audience of {scope.model.name}."
            raise refused(at.path, "wrong_model", message)
        with self.referring("audience", audience, at):
            member = self.membership(scope, audience, At(level=0, alone=at.alone and condition.member))
        return member if condition.member else negated(member)

    @contextmanager
    def referring(self, kind: str, thing: SavedAudience | SavedTrait, at: At) -> Iterator[None]:
        """Inside another audience or trait: its problems are problems of the condition that refers to it."""
        opened = (kind, thing.id)
        if opened in self._open:
            raise refused(at.path, f"{kind}_loop", f"“{thing.name}” would be made of itself.")
        outside, self.problems = self.problems, []
        self._open.append(opened)
        try:
            yield
        except InvalidTree as error:
            self.problems += error.problems
        finally:
            self._open.pop()
            found, self.problems = self.problems, outside
        if found:
            where = f"{kind.capitalize()} “{thing.name}”"
            raise InvalidTree([Problem(at.path, each.code, f"{where}: {each.message}") for each in found])

    @contextmanager
    def inside(self, audience: SavedAudience) -> Iterator[None]:
        """The statement is about this audience: nothing in it may refer to it."""
        self._open.append(("audience", audience.id))
        yield
        self._open.pop()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Outside of what the statement is about: a condition of somebody else's may well refer to it."""
        opened, self._open = self._open, []
        yield
        self._open = opened

    def membership(
        self, scope: Scope, audience: SavedAudience, at: At, also: Callable[[Scope], exp.Expr] | None = None
    ) -> exp.Expr:
        """Whether a row is a member: where the definition and its subsets hold, within the limit.

        ``also`` is a condition that has to hold before the limit counts.
        """
        limit = audience.definition.limit
        if limit is None:
            return all_of([self.qualifies(scope, audience, at), *([also(scope)] if also else [])])
        inner = scope.again()
        holds = self.qualifies(inner, audience, At(at.path, at.level))
        holds = all_of([holds, *([also(inner)] if also else [])])
        keys = [f"key_{number}" for number in range(len(scope.model.primary_key))]
        chosen = [(name, node) for name, node in zip(keys, inner.key(), strict=True)]
        query = self.limited(inner, chosen, holds, limit, at.to("limit")).distinct(copy=False)
        alias = scope.join(query, scope.key(), keys, f"{scope.alias}_members")
        return present(column(keys[0], alias))

    def qualifies(self, scope: Scope, audience: SavedAudience, at: At) -> exp.Expr:
        """Whether a row is a member, before the limit."""
        holds = [self.group(scope, audience.definition.where, at.to("where"))]
        return all_of([*holds, *self.subsets(scope, audience.subsets, at)])

    def subsets(self, scope: Scope, categories: tuple[tuple[Definition, ...], ...], at: At) -> list[exp.Expr]:
        """A row is in any of the chosen subsets of a category, and that in all categories."""
        made = []
        for place, category in enumerate(categories):
            inside = At((*at.path, "subsets", place), at.level, at.alone and len(category) == 1)
            each = [self.group(scope, one.where, inside.to(number, "where")) for number, one in enumerate(category)]
            made.append(any_of(each))
        return made

    # Limits.

    def limited(
        self, scope: Scope, chosen: list[tuple[str, exp.Expr]], holds: exp.Expr, limit: Limit | None, at: At
    ) -> exp.Select:
        """A query of chosen values of the rows for which a condition holds, cut to the limit."""
        if limit is None:
            projections = [named(node, name) for name, node in chosen]
            return filtered(scope.fill(exp.Select(expressions=projections)), holds)
        # Inside, columns have names of their own: somebody may call one "place".
        inner = [named(node, f"out_{number}") for number, (_, node) in enumerate(chosen)]
        place, total = self.places(scope, limit, at)
        ranked = exp.Select(expressions=[*inner, named(place, "place"), named(total, "total")])
        ranked = filtered(scope.fill(ranked), holds)
        name = self.sources.name("ranked")
        outer = [named(column(f"out_{number}", name), given) for number, (given, _) in enumerate(chosen)]
        query = exp.Select(expressions=outer)
        query.set("from_", exp.From(this=aliased(ranked, name)))
        return query.where(within(limit, name), copy=False)

    def places(self, scope: Scope, limit: Limit, at: At) -> tuple[exp.Expr, exp.Expr]:
        """A row's place by the limit's order, and how many rows there are."""
        value = self.limit_value(scope, limit, at)
        keys = [ordered(node) for node in scope.key()]
        total = exp.Window(this=exp.Count(this=exp.Star()), over="OVER")
        return row_number([ordered(value, descending=not limit.bottom), *keys]), total

    def limit_value(self, scope: Scope, limit: Limit, at: At) -> exp.Expr:
        """What a limit goes by, so that it sorts the same everywhere."""
        try:
            return self._limited_by(scope, limit, at)
        except InvalidTree as error:
            self.problems += error.problems
            return exp.null()

    def _limited_by(self, scope: Scope, limit: Limit, at: At) -> exp.Expr:
        if (limit.count is None) == (limit.percent is None):
            raise refused(at.path, "limit_unfit", "A limit is a number of members, or a percentage of them.")
        if (limit.by is None) == (limit.trait is None):
            raise refused(at.path, "limit_unfit", "A limit goes by one column or one trait.")
        if limit.by is not None:
            value = scope.value(limit.by, (*at.path, "by"))
        else:
            value = traits.saved(self, scope, limit.trait or "", At((*at.path, "trait")))
        if limit.percent is not None and (value.suggestions or value.type is not ColumnType.NUMBER):
            message = f"“{value.title}” takes no percentile: it has to be a number without value suggestions."
            raise refused(at.path, "percentile_off", message)
        return self.sortable(value)

    def sortable(self, value: Value) -> exp.Expr:
        """A value that sorts the same everywhere: texts byte by byte."""
        if value.type is not ColumnType.STRING:
            return value.node
        return self.studio.planner.collate(value.node)

    # Traits.

    def _trait(self, scope: Scope, condition: TraitCondition, at: At) -> exp.Expr:
        if (condition.trait is None) == (condition.definition is None):
            message = "A trait condition is about one trait: a saved one, or one that is defined in it."
            raise refused(at.path, "malformed", message)
        if condition.definition is not None:
            value = traits.value(self, scope, condition.definition, at.to("definition"), extra=condition.where)
        else:
            value = traits.saved(self, scope, condition.trait or "", at, extra=condition.where)
        return self.tested(scope, value, condition.test, at)


def within(limit: Limit, name: str) -> exp.Expr:
    """Whether a ranked row is within the limit."""
    place = column("place", name)
    if limit.count is not None:
        return exp.LTE(this=place, expression=exp.Literal.number(limit.count))
    before = exp.paren(exp.Sub(this=place, expression=exp.Literal.number(1)), copy=False)
    share = exp.Mul(this=before, expression=exp.Literal.number(100))
    return exp.LT(this=share, expression=exp.Mul(this=number(limit.percent or 0), expression=column("total", name)))


def exists(related: Related, holds: exp.Expr) -> exp.Expr:
    """EXISTS: any of the rows for which a condition holds."""
    pairs = [equal(inner.copy(), outer.copy()) for inner, outer in zip(related.inner, related.outer, strict=True)]
    query = related.select(exp.Literal.number(1)).where(all_of([*pairs, _closed(holds)]), copy=False)
    return exp.Exists(this=query)


def _closed(node: exp.Expr) -> exp.Expr:
    return exp.paren(node, copy=False) if isinstance(node, exp.Or) else node


def _wanted(quantifier: Quantifier, number: Number | None, path: Path) -> Number:
    if quantifier is Quantifier.NUMBER:
        return check_number(number, path)
    operator = Operator.GREATER_OR_EQUAL if quantifier is Quantifier.ANY else Operator.LESS
    return Number(operator, 1)


def _is(wanted: Number, *, at_least_one: bool) -> bool:
    """Whether a number says no more than that there is one, or that there is none."""
    samples = {0, 1, 2, max(wanted.count - 1, 0), wanted.count, wanted.count + 1}
    return all(counts_hold(wanted, count) is ((count > 0) is at_least_one) for count in samples)
