"""One level of a query: a model's rows under a name, and what has been joined to each of them.

Whatever a condition needs from elsewhere is joined so that a row stays one row: merged columns, grouped
counts and trait values, keys that are there or not.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from audiences.query.conditions import Field
from audiences.query.dialects import Studio
from audiences.query.errors import Path, refused
from audiences.query.nodes import aliased, all_of, column, equal, left_join, named, negated, ordered, row_number
from audiences.query.schema import Hop, StudioColumn, StudioModel, StudioSchema, Surface, table_node
from audiences.query.values import READ_AS, Value
from connectors.sdk.types import ColumnType, Table

_JSON = (ColumnType.OBJECT, ColumnType.UNKNOWN)
_PATH_STEPS = 20
SAMPLED_HOPS = 4  # how far from a parent samples of related models reach


@dataclass(frozen=True, slots=True)
class Walk:
    """How a statement came to a level: by which models, and whether samples hold all the rows that are reached so.

    They do as long as the rows belong to those that the walk began with. From rows that others share, such as a
    product, there is no way to others' rows in them.
    """

    models: tuple[str, ...]
    shared: bool = False
    held: bool = True

    def on(self, hop: Hop) -> Walk:
        """One hop further."""
        near = hop.model not in self.models and len(self.models) <= SAMPLED_HOPS
        held = self.held and near and (hop.single or not self.shared)
        return Walk((*self.models, hop.model), self.shared or not hop.lone, held)


@dataclass(slots=True)
class Sources:
    """The tables and models' texts of one statement, and the names that are taken in it."""

    schema: StudioSchema
    studio: Studio
    sampled: bool = False
    marks: dict[str, str] = field(default_factory=dict)
    prefix: str = "headrace_model"
    _taken: dict[str, int] = field(default_factory=dict)

    def name(self, wanted: str) -> str:
        """A name that nothing else in the statement has, like the wanted one."""
        plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in wanted.lower()).strip("_")
        plain = (plain or "rows")[:40]
        self._taken[plain] = number = self._taken.get(plain, 0) + 1
        return plain if number == 1 else self.name(f"{plain}_{number}")

    def table(self, model: StudioModel, name: str, walk: Walk) -> exp.Expr:
        """A model as a table. A query's text is put in for its mark when the statement is rendered."""
        sample = model.sample if self.sampled and self._in_sample(walk) else None
        relation = sample or model.relation
        if isinstance(relation, Table):
            return exp.alias_(table_node(relation), name, quoted=True, table=True)
        mark = f"{self.prefix}_{len(self.marks)}_"
        self.marks[mark] = relation
        return exp.alias_(exp.table_(mark), name, quoted=True, table=True)

    def _in_sample(self, walk: Walk) -> bool:
        """Whether samples hold every row that is reached so: others would be missed, and are read in full."""
        return len(walk.models) == 1 or (walk.held and walk.models[0] == self.schema.sampled_for)


@dataclass(slots=True)
class Scope:
    """Rows of ``model`` under the name ``alias``, with their joins. ``walk`` is how the statement came to them."""

    sources: Sources
    model: StudioModel
    alias: str
    walk: Walk
    joins: list[exp.Join] = field(default_factory=list)
    values: dict[Hashable, Value] = field(default_factory=dict)  # traits that are joined already
    _joined: dict[Hashable, str] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Sources, model: StudioModel, walk: Walk | None = None) -> Scope:
        """A level over a model."""
        return cls(sources, model, sources.name(model.name), walk or Walk((model.id,)))

    def again(self) -> Scope:
        """A level of its own over the same rows."""
        return Scope.of(self.sources, self.model, self.walk)

    def column(self, name: str) -> exp.Column:
        """A column of the model itself."""
        return column(name, self.alias)

    def key(self) -> list[exp.Expr]:
        """The primary key's columns."""
        return [self.column(name) for name in self.model.primary_key]

    def table(self) -> exp.Expr:
        """The model in FROM."""
        return self.sources.table(self.model, self.alias, self.walk)

    def fill(self, query: exp.Select, *more: exp.Join) -> exp.Select:
        """FROM this level, with everything joined to it."""
        query.set("from_", exp.From(this=self.table()))
        query.set("joins", [*more, *self.joins])
        return query

    def join(self, query: exp.Query, keys: Sequence[exp.Expr], names: Sequence[str], wanted: str) -> str:
        """LEFT JOIN a query that has one row at most for each of its columns ``names``; the name it gets."""
        alias = self.sources.name(wanted)
        pairs = [equal(column(name, alias), key) for name, key in zip(names, keys, strict=True)]
        self.joins.append(left_join(aliased(query, alias), all_of(pairs)))
        return alias

    def value(self, given: Field, path: Path, surface: Surface = Surface.FILTERS) -> Value:
        """A column, a merged one, or what is at a path in it. Raises where it is not there or may not be used."""
        model, alias = self._owner(given, path)
        found = find_column(model, given.column, path)
        if not found.may(surface):
            message = f"“{found.title}” in {model.name} cannot be used here: its privacy level is “{found.privacy}”."
            raise refused(path, "column_blocked", message.replace("_", " "))
        node: exp.Expr = column(found.name, alias)
        kind, zoned = found.type, found.zoned
        if given.path:
            node, kind = self._at_path(node, found, given, path)
            zoned = False
        return Value(
            node=node,
            type=kind,
            title=f"{found.title} → {given.path}" if given.path else found.title,
            zoned=zoned,
            ignore_case=found.ignore_case and kind is ColumnType.STRING,
            suggestions=found.suggestions,
            population=lambda: self._population(given, path),
        )

    def _population(self, given: Field, path: Path) -> exp.Query:
        fresh = self.again()
        node = fresh.value(given, path).node
        return fresh.fill(exp.select(named(node, "value")))

    def _at_path(self, node: exp.Expr, found: StudioColumn, given: Field, path: Path) -> tuple[exp.Expr, ColumnType]:
        steps = given.path.split(".")
        if found.type not in _JSON:
            raise refused(path, "operand_unfit", f"“{found.title}” holds no JSON, so there is no path in it.")
        if not all(steps) or len(steps) > _PATH_STEPS:
            raise refused(path, "operand_unfit", f"“{given.path}” is not a path such as booking.0.city.")
        studio, kind = self.sources.studio, READ_AS[given.read_as]
        if kind is ColumnType.UNKNOWN and studio.json_node:
            return exp.func("coalesce", studio.json(node, steps), studio.json_node(node.copy(), steps)), kind
        plain = studio.json(node, steps)
        if kind is ColumnType.NUMBER:
            return studio.number(plain), kind
        if kind is ColumnType.BOOLEAN:
            yes = exp.If(this=equal(plain, exp.Literal.string("true")), true=exp.true())
            no = exp.If(this=equal(plain.copy(), exp.Literal.string("false")), true=exp.false())
            return exp.Case(ifs=[yes, no]), kind
        return plain, kind

    def _owner(self, given: Field, path: Path) -> tuple[StudioModel, str]:
        """The model that has the column, and the name under which its rows are joined."""
        model, alias, walk = self.model, self.alias, self.walk
        for place, relationship in enumerate(given.via):
            hops = self.sources.schema.step(relationship, model.id)
            if hops is None:
                raise missing_relationship(model, path)
            if not all(hop.single for hop in hops):
                message = f"A row of {model.name} has several rows there: their columns cannot be merged into it."
                raise refused(path, "not_single", message)
            for number, hop in enumerate(hops):
                walk = walk.on(hop)
                alias = self._merged((given.via[: place + 1], number), alias, hop, walk)
                model = self.sources.schema.models[hop.model]
        return model, alias

    def _merged(self, key: Hashable, here: str, hop: Hop, walk: Walk) -> str:
        """The other model's row for each row; where its keys need not be unique, one of them."""
        if key in self._joined:
            return self._joined[key]
        model = self.sources.schema.models[hop.model]
        alias = self.sources.name(model.name)
        on = [equal(column(there, alias), column(own, here)) for own, there in hop.keys]
        table = self.sources.table(model, alias, walk)
        there = [name for _, name in hop.keys]
        if set(model.primary_key) - set(there):
            inner = self.sources.name(model.name)
            rank = row_number(
                [ordered(column(name, inner)) for name in model.primary_key],
                [column(name, inner) for name in there],
            )
            columns = [named(column(each.name, inner), each.name) for each in model.columns]
            ranked = exp.select(*columns, named(rank, "headrace_place"))
            ranked.set("from_", exp.From(this=self.sources.table(model, inner, walk)))
            table = aliased(ranked, alias)
            on.append(equal(column("headrace_place", alias), exp.Literal.number(1)))
        self.joins.append(left_join(table, all_of(on)))
        self._joined[key] = alias
        return alias


@dataclass(slots=True)
class Related:
    """Rows that belong to those of an outer level: ``scope`` over them, by way of ``between``.

    ``outer`` and ``inner`` are the key columns that match.
    """

    scope: Scope
    first: exp.Expr
    between: list[exp.Join]
    outer: list[exp.Expr]
    inner: list[exp.Expr]

    @property
    def names(self) -> list[str]:
        """Names for the key columns in a query of their own."""
        return [f"key_{number}" for number in range(len(self.inner))]

    @property
    def direct(self) -> bool:
        """Whether each row is there once for each outer row."""
        return not self.between

    def somebody_else(self) -> exp.Expr:
        """That these rows, of the same model as the outer ones, are not the outer row: ``inner`` is its key then."""
        same = [equal(key, node.copy()) for key, node in zip(self.scope.key(), self.inner, strict=True)]
        return negated(all_of(same))

    def select(self, *projections: exp.Expr) -> exp.Select:
        """A query of these rows."""
        query = exp.Select(expressions=list(projections))
        query.set("from_", exp.From(this=self.first))
        query.set("joins", [*self.between, *self.scope.joins])
        return query

    def keys(self) -> list[exp.Expr]:
        """The key columns under their names."""
        return [named(node.copy(), name) for node, name in zip(self.inner, self.names, strict=True)]

    @classmethod
    def of(cls, scope: Scope, hops: Sequence[Hop]) -> Related:
        """The rows at the end of the hops."""
        models = [scope.sources.schema.models[hop.model] for hop in hops]
        scopes, walk = [], scope.walk
        for model, hop in zip(models, hops, strict=True):
            walk = walk.on(hop)
            scopes.append(Scope.of(scope.sources, model, walk))
        between = [
            exp.Join(
                this=there.table(),
                on=all_of([equal(there.column(b), here.column(a)) for a, b in hop.keys]),
            )
            for here, there, hop in zip(scopes, scopes[1:], hops[1:], strict=False)
        ]
        outer: list[exp.Expr] = [scope.column(own) for own, _ in hops[0].keys]
        inner: list[exp.Expr] = [scopes[0].column(there) for _, there in hops[0].keys]
        return cls(scopes[-1], scopes[0].table(), between, outer, inner)


def find_column(model: StudioModel, name: str, path: Path) -> StudioColumn:
    """The column, or an error that says what it was looked for in."""
    found = model.column(name)
    if found is None:
        hint = "Refresh the model's columns, or change the condition."
        raise refused(path, "unknown_column", f"There is no column “{name}” in {model.name} any more. {hint}")
    return found


def missing_relationship(model: StudioModel, path: Path) -> Exception:
    """The error for a relationship that is gone."""
    return refused(path, "unknown_relationship", f"{model.name} is not related to that model any more.")


def model_of(models: Mapping[str, StudioModel], wanted: str, path: Path) -> StudioModel:
    """The model, or an error."""
    if wanted not in models:
        raise refused(path, "wrong_model", "The model that this is about is not in the schema any more.")
    return models[wanted]
