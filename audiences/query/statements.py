"""Whole queries over an audience: its members, how many they are, and how each condition narrows it.

:class:`Asker` holds what all of them need. Every query is a :class:`Query`; whatever is wrong with a
definition is raised as :class:`~audiences.query.errors.InvalidTree`, all of it at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlglot import exp

from audiences.query import traits
from audiences.query.compiler import At, Compiler
from audiences.query.conditions import Condition, Field, Group, Match, Trait
from audiences.query.dialects import STUDIOS
from audiences.query.errors import InvalidTree, Path, Problem
from audiences.query.nodes import aliased, all_of, column, equal, filtered, flag, named, number
from audiences.query.schema import SavedAudience, StudioSchema, Surface
from audiences.query.scope import Scope
from audiences.query.times import Clock
from audiences.query.values import Value
from connectors.sdk.sql import bare
from connectors.sdk.types import ColumnType

Key = Sequence[str | int | float]
NOTHING = Group()


@dataclass(frozen=True, slots=True)
class Query:
    """A query as a tree, with the models' texts that its marks stand for. ``dialect`` is a profile's name."""

    tree: exp.Query
    models: Mapping[str, str]
    dialect: str
    columns: tuple[str, ...] = ()

    def sql(self, *, pretty: bool = False) -> str:
        """The query's text; the models' own go in untouched."""
        dialect = STUDIOS[self.dialect].dialect
        return with_models(str(self.tree.sql(dialect=dialect, pretty=pretty)), self.models, dialect)


def with_models(rendered: str, models: Mapping[str, str], dialect: str) -> str:
    """SQL with the models' texts in the places of their marks, untouched.

    The line breaks keep a comment at a model's end from swallowing the bracket.
    """
    if not models:
        return rendered
    marks = re.compile("|".join(map(re.escape, models)))
    return marks.sub(lambda found: f"(\n{bare(models[found[0]], dialect)}\n)", rendered)


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a result: a field, a saved trait, or a trait that belongs to the audience alone."""

    name: str
    field: Field | None = None
    trait: str | None = None
    definition: Trait | None = None
    where: Group = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks of one schema at one moment. ``sampled`` reads samples where models have them."""

    schema: StudioSchema
    clock: Clock
    sampled: bool = False

    def compiler(self) -> Compiler:
        """What makes the parts of one statement."""
        return Compiler(self.schema, self.clock, self.sampled)

    # Members.

    def members(
        self,
        audience: SavedAudience,
        outputs: Sequence[Output] | None = None,
        *,
        surface: Surface = Surface.FILTERS,
        rows: int | None = None,
    ) -> Query:
        """The members, with these columns (without any: the primary key), and no more rows than asked for."""
        compiler = self.compiler()
        scope = compiler.scope(audience.model)
        chosen = keys(scope) if outputs is None else self.outputs(compiler, scope, outputs, surface)
        with compiler.inside(audience):
            holds = compiler.qualifies(scope, audience, At())
            query = compiler.limited(scope, chosen, holds, audience.definition.limit, At(("limit",)))
        return finished(compiler, query if rows is None else query.limit(rows, copy=False))

    def count(self, audience: SavedAudience) -> Query:
        """How many members there are, in the column ``members``."""
        compiler = self.compiler()
        scope = compiler.scope(audience.model)
        with compiler.inside(audience):
            holds = compiler.qualifies(scope, audience, At())
            limit = audience.definition.limit
            if limit is None:
                query = filtered(scope.fill(exp.select(counted("members"))), holds)
                return finished(compiler, query)
            limited = compiler.limited(scope, keys(scope), holds, limit, At(("limit",)))
        return finished(compiler, over(limited, compiler.sources.name("members"), counted("members")))

    def count_linked(self, audience: SavedAudience, relationship: str) -> Query:
        """How many rows of another model, such as households, have a member: in the column ``linked``."""
        compiler = self.compiler()
        scope = compiler.scope(audience.model)
        with compiler.inside(audience):
            holds = compiler.qualifies(scope, audience, At())
            related = compiler.related(scope, relationship, At())
            members = compiler.limited(
                scope,
                [(f"key_{place}", node) for place, node in enumerate(related.outer)],
                holds,
                audience.definition.limit,
                At(("limit",)),
            )
        name = compiler.sources.name("members")
        pairs = [equal(node, column(f"key_{place}", name)) for place, node in enumerate(related.inner)]
        entities = [named(node, f"row_{place}") for place, node in enumerate(related.scope.key())]
        linked = related.select(*entities).join(aliased(members, name), on=all_of(pairs), copy=False)
        query = over(linked.distinct(copy=False), compiler.sources.name("linked"), counted("linked"))
        return finished(compiler, query)

    def check(self, audience: SavedAudience) -> list[Problem]:
        """Everything that is wrong with a definition, without asking the source."""
        try:
            self.count(audience)
        except InvalidTree as error:
            return list(error.problems)
        return []

    def trait_values(
        self, model: str, definition: Trait, outputs: Sequence[Output] | None = None, *, rows: int | None = None
    ) -> Query:
        """A trait for the rows of its model: these columns (without any: the key), and the column ``value``."""
        compiler = self.compiler()
        scope = compiler.scope(model)
        shown = keys(scope) if outputs is None else self.outputs(compiler, scope, outputs, Surface.PREVIEWS)
        made = guarded(compiler, partial(traits.value, compiler, scope, definition, At()))
        projections = [named(node, name) for name, node in [*shown, ("value", made.node)]]
        query = scope.fill(exp.Select(expressions=projections))
        return finished(compiler, query if rows is None else query.limit(rows, copy=False))

    # How conditions narrow.

    def funnel(self, audience: SavedAudience) -> Query:
        """How many rows its subsets have (``total``), how many each top condition (``alone_0``…), and all up to each.

        With all of the conditions, ``after_n`` counts rows for which the first n+1 hold; with any of them, rows
        for which one of the first n+1 does.
        """
        where = audience.definition.where
        compiler = self.compiler()
        scope = compiler.scope(audience.model)
        with compiler.inside(audience):
            flags = self._flags(compiler, scope, where, At(("where",), alone=False))
            inside = all_of(compiler.subsets(scope, audience.subsets, At()))
        names = [f"holds_{place}" for place in range(len(flags))]
        projections = [named(node, name) for node, name in zip(flags, names, strict=True)]
        rows = filtered(scope.fill(exp.Select(expressions=[*projections, named(number(1), "present")])), inside)
        alias = compiler.sources.name("flags")
        every = where.match is Match.ALL
        made = [counted("total")]
        for place, name in enumerate(names):
            made.append(added(column(name, alias), f"alone_{place}"))
            made.append(added(_first_of(names[: place + 1], alias, every=every), f"after_{place}"))
        return finished(compiler, over(rows, alias, *made))

    def _flags(self, compiler: Compiler, scope: Scope, where: Group, at: At) -> list[exp.Expr]:
        inside = at.to("conditions")
        return [flag(compiler.condition(scope, each, inside.to(place))) for place, each in enumerate(where.conditions)]

    # One member.

    def explain(self, audience: SavedAudience, key: Key) -> tuple[Query, tuple[Path, ...]]:
        """Which conditions hold for one row: the query's columns are 1 or 0, one for each of the paths, in order.

        Groups stand before the conditions in them. A query without a row says that nobody has this key.
        """
        compiler = self.compiler()
        scope = compiler.scope(audience.model)
        found: list[tuple[Path, exp.Expr]] = []
        with compiler.inside(audience):
            self._explain(compiler, scope, audience.definition.where, At(("where",), alone=False), found)
        projections = [named(flag(node), f"holds_{place}") for place, (_, node) in enumerate(found)]
        query = scope.fill(exp.Select(expressions=projections)).where(has_key(compiler, scope, key), copy=False)
        return finished(compiler, query), tuple(path for path, _ in found)

    def _explain(
        self, compiler: Compiler, scope: Scope, condition: Condition, at: At, found: list[tuple[Path, exp.Expr]]
    ) -> None:
        found.append((at.path, compiler.condition(scope, condition, at)))
        if isinstance(condition, Group):
            for place, each in enumerate(condition.conditions):
                self._explain(compiler, scope, each, at.to("conditions", place), found)

    # Pieces.

    def outputs(
        self, compiler: Compiler, scope: Scope, outputs: Sequence[Output], surface: Surface
    ) -> list[tuple[str, exp.Expr]]:
        """Names and nodes of a result's columns; a column that may not appear there is a problem."""
        found = []
        for place, each in enumerate(outputs):
            make = partial(self.output, compiler, scope, each, ("columns", place), surface)
            found.append((each.name, guarded(compiler, make).node.copy()))
        return found

    def output(self, compiler: Compiler, scope: Scope, given: Output, path: Path, surface: Surface) -> Value:
        """The value of one column of a result."""
        if given.field is not None:
            return scope.value(given.field, path, surface)
        if given.definition is not None:
            title, where = given.name, given.where
            return traits.value(compiler, scope, given.definition, At(path), extra=where, title=title, surface=surface)
        return traits.saved(compiler, scope, given.trait or "", At(path), extra=given.where, surface=surface)


def guarded(compiler: Compiler, make: Callable[[], Value]) -> Value:
    """A value, or an empty one and what is wrong with it."""
    try:
        return make()
    except InvalidTree as error:
        compiler.problems += error.problems
        return Value(node=exp.null(), type=ColumnType.UNKNOWN, title="")


def has_key(compiler: Compiler, scope: Scope, key: Key) -> exp.Expr:
    """Whether a row has this primary key."""
    studio, pairs = compiler.studio, []
    for name, given in zip(scope.model.primary_key, key, strict=True):
        known = scope.model.column(name)
        node: exp.Expr = scope.column(name)
        if known is not None and known.type is ColumnType.NUMBER and not isinstance(given, str):
            literal = number(given)
        else:
            plain = known is not None and known.type is ColumnType.STRING
            node = node if plain or known is None else studio.planner.text(node, known.as_column())
            literal = studio.text(str(given))
        pairs.append(equal(node, literal))
    return all_of(pairs)


def keys(scope: Scope) -> list[tuple[str, exp.Expr]]:
    """The primary key's columns under their own names."""
    return list(zip(scope.model.primary_key, scope.key(), strict=True))


def counted(name: str) -> exp.Expr:
    """COUNT(*) under a name."""
    return named(exp.Count(this=exp.Star()), name)


def added(node: exp.Expr, name: str) -> exp.Expr:
    """How many rows have a 1: 0 where there are no rows at all."""
    return named(exp.func("coalesce", exp.Sum(this=node), number(0)), name)


def over(rows: exp.Query, alias: str, *made: exp.Expr) -> exp.Select:
    """A query over the rows of another."""
    query = exp.Select(expressions=list(made))
    query.set("from_", exp.From(this=aliased(rows, alias)))
    return query


def finished(compiler: Compiler, query: exp.Select) -> Query:
    """The query, where nothing was wrong."""
    if compiler.problems:
        raise InvalidTree(compiler.problems)
    names = tuple(str(node.alias_or_name) for node in query.expressions)
    marks = _unmistakable(query, compiler.sources.marks)
    return Query(compiler.studio.set_up(query), marks, compiler.schema.dialect, names)


def _first_of(names: Sequence[str], alias: str, *, every: bool) -> exp.Expr:
    """1 where all of the flags are 1, or any of them."""
    nodes = [column(name, alias) for name in names]
    wanted, otherwise = (0, 1) if every else (1, 0)
    ifs = [exp.If(this=equal(node, number(wanted)), true=number(wanted)) for node in nodes]
    return exp.Case(ifs=ifs, default=number(otherwise))


def _unmistakable(query: exp.Select, marks: Mapping[str, str]) -> Mapping[str, str]:
    """Marks that occur nowhere else in the query, so that no value and no name is taken for one."""
    if not marks:
        return marks
    nodes = list(query.walk())
    texts = {value for node in nodes for value in node.args.values() if isinstance(value, str)}
    others = texts - marks.keys()
    sign = "_"
    while any(f"{mark}{sign}" in other for mark in marks for other in others):
        sign += "_"
    for node in nodes:
        if isinstance(node, exp.Identifier) and node.this in marks:
            node.set("this", f"{node.this}{sign}")
    return {f"{mark}{sign}": text for mark, text in marks.items()}
