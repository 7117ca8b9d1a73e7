"""Trait values: calculated once from the rows that belong to each row, and joined to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from sqlglot import exp

from audiences.query import formulas
from audiences.query.conditions import (
    AggregationTrait,
    CountTrait,
    Field,
    FormulaTrait,
    Function,
    Group,
    ListTrait,
    OccurrenceTrait,
    Scalar,
    SqlTrait,
    Trait,
    Which,
)
from audiences.query.errors import refused
from audiences.query.nodes import (
    aliased,
    all_of,
    column,
    filtered,
    grouped,
    named,
    number,
    ordered,
    present,
    row_number,
)
from audiences.query.schema import Surface
from audiences.query.scope import Related, Scope
from audiences.query.values import Value, result_type
from connectors.sdk.types import ColumnType

if TYPE_CHECKING:
    from audiences.query.compiler import At, Compiler

_FUNCTIONS: dict[Function, type[exp.AggFunc]] = {
    Function.SUM: exp.Sum,
    Function.AVERAGE: exp.Avg,
    Function.MINIMUM: exp.Min,
    Function.MAXIMUM: exp.Max,
}
_GROUPED = (ColumnType.STRING, ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.TIMESTAMP, ColumnType.DATE)
Nothing = Group()
Aggregated = AggregationTrait | CountTrait | OccurrenceTrait | ListTrait | SqlTrait


def saved(
    compiler: Compiler,
    scope: Scope,
    trait: str,
    at: At,
    *,
    extra: Group = Nothing,
    surface: Surface = Surface.FILTERS,
) -> Value:
    """The value of a saved trait or template; ``extra`` narrows the rows that it is calculated from."""
    found = compiler.schema.traits.get(trait)
    if found is None:
        raise refused(at.path, "unknown_trait", "The trait that this is about is not there any more.")
    if found.model != scope.model.id:
        raise refused(at.path, "wrong_model", f"“{found.name}” is not a trait of {scope.model.name}.")
    with compiler.referring("trait", found, at):
        made = value(compiler, scope, found.definition, at, extra=extra, title=found.name, surface=surface)
    return made


def value(
    compiler: Compiler,
    scope: Scope,
    definition: Trait,
    at: At,
    *,
    extra: Group = Nothing,
    title: str = "",
    surface: Surface = Surface.FILTERS,
) -> Value:
    """The value of a trait for each row of a level. Columns that it gives away must be allowed on ``surface``."""
    key = (definition, extra, surface)
    if key in scope.values:
        return scope.values[key]
    if isinstance(definition, FormulaTrait):
        if extra.conditions:
            raise refused(at.path, "operand_unfit", "A formula has no rows that conditions could narrow.")
        node, kind = formulas.row_formula(compiler, scope, definition, at, surface), result_type(definition.result)
        zoned = False
    else:
        node, kind, zoned = _Calculation(compiler, scope, definition, extra, at, surface).joined()
    made = Value(
        node=node,
        type=kind,
        title=title or "The trait",
        zoned=zoned,
        population=lambda: _population(compiler, scope, definition, extra, at),
    )
    scope.values[key] = made
    return made


def _population(compiler: Compiler, scope: Scope, definition: Trait, extra: Group, at: At) -> exp.Query:
    fresh = scope.again()
    node = value(compiler, fresh, definition, at, extra=extra).node
    return fresh.fill(exp.select(named(node, "value")))


@dataclass(slots=True)
class _Calculation:
    """A trait over related rows."""

    compiler: Compiler
    scope: Scope
    definition: Aggregated
    extra: Group
    at: At
    surface: Surface

    def joined(self) -> tuple[exp.Expr, ColumnType, bool]:
        """The joined value's node and type, and whether it is a moment with a zone."""
        definition = self.definition
        match definition:
            case CountTrait():
                node = self._join(self._count(definition))
                return exp.func("coalesce", node, exp.Literal.number(0)), ColumnType.NUMBER, False
            case AggregationTrait():
                return self._join(self._aggregation(definition)), ColumnType.NUMBER, False
            case OccurrenceTrait():
                query, kept = self._occurrence(definition)
                return self._join(query), kept.type, kept.zoned
            case ListTrait():
                return self._join(self._list(definition)), ColumnType.OBJECT, False
            case SqlTrait():
                node = self._join(self._sql(definition))
                return self._or_default(node, definition.default), result_type(definition.result), False
        assert_never(definition)

    def _join(self, made: tuple[exp.Query, Related]) -> exp.Expr:
        query, related = made
        alias = self.scope.join(query, related.outer, related.names, f"{related.scope.alias}_trait")
        return column("value", alias)

    def _related(self) -> tuple[Related, exp.Expr]:
        from audiences.query.compiler import At

        at = At(self.at.path)
        related = self.compiler.related(self.scope, self.definition.relationship, at)
        deeper = At(at.path, 1)
        holds = [
            self.compiler.group(related.scope, self.definition.where, deeper.to("where")),
            self.compiler.group(related.scope, self.extra, deeper.to("where")),
        ]
        return related, all_of(holds)

    def _field(self, related: Related, given: Field, name: str = "column") -> Value:
        return related.scope.value(given, (*self.at.path, name), self.surface)

    def _rows(self, related: Related, holds: exp.Expr, nodes: Sequence[tuple[str, exp.Expr]]) -> exp.Select:
        """The rows with their keys and these values; each once, by whatever ways it belongs to its owner."""
        chosen = [*related.keys(), *[named(node, name) for name, node in nodes]]
        if related.direct:
            return filtered(related.select(*chosen), holds)
        own = [named(node, f"row_{place}") for place, node in enumerate(related.scope.key())]
        return filtered(related.select(*chosen, *own), holds).distinct(copy=False)

    def _grouped(self, related: Related, rows: exp.Query, made: exp.Expr, alias: str) -> tuple[exp.Query, Related]:
        return grouped(rows, related.names, [named(made, "value")], alias), related

    def _alias(self) -> str:
        return self.compiler.sources.name("calculated")

    def _count(self, definition: CountTrait) -> tuple[exp.Query, Related]:
        related, holds = self._related()
        alias, nodes = self._alias(), []
        counted: exp.Expr = exp.Star()
        if definition.column is not None:
            nodes = [("item", self._field(related, definition.column).node)]
            counted = column("item", alias)
            counted = exp.Distinct(expressions=[counted]) if definition.distinct else counted
        rows = self._rows(related, holds, nodes)
        return self._grouped(related, rows, exp.Count(this=counted), alias)

    def _aggregation(self, definition: AggregationTrait) -> tuple[exp.Query, Related]:
        related, holds = self._related()
        found, alias = self._field(related, definition.column), self._alias()
        if found.type is not ColumnType.NUMBER:
            message = f"“{found.title}” is of the type {found.type}: only numbers can be calculated with."
            raise refused((*self.at.path, "column"), "operand_unfit", message)
        node: exp.Expr = column("item", alias)
        if definition.function is Function.AVERAGE:
            node = exp.cast(node, "DOUBLE")
        elif definition.function is Function.SUM and self.compiler.studio.summed:
            node = exp.cast(node, self.compiler.studio.summed)
        rows = self._rows(related, holds, [("item", found.node)])
        return self._grouped(related, rows, _FUNCTIONS[definition.function](this=node), alias)

    def _occurrence(self, definition: OccurrenceTrait) -> tuple[tuple[exp.Query, Related], Value]:
        related, holds = self._related()
        kept = self._field(related, definition.column)
        known = all_of([holds, present(kept.node.copy())])
        if definition.which in {Which.FIRST, Which.LAST}:
            return (self._first(definition, related, known, kept), related), kept
        if kept.type not in _GROUPED:
            message = f"“{kept.title}” is of the type {kept.type}: how often its values occur cannot be counted."
            raise refused((*self.at.path, "column"), "operand_unfit", message)
        return (self._frequent(definition, related, known, kept), related), kept

    def _first(self, definition: OccurrenceTrait, related: Related, known: exp.Expr, kept: Value) -> exp.Query:
        by = self._field(related, definition.order_by, "order_by") if definition.order_by else kept
        descending = definition.which is Which.LAST
        place = [("item", kept.node), ("by", self.compiler.sortable(by).copy())]
        keys = self._sorted_keys(related)
        rows = self._rows(related, known, [*place, *keys])
        alias = self._alias()
        order = [ordered(column(name, alias), descending=descending) for name in ("by", *dict(keys))]
        return self._top(rows, related, order, alias)

    def _frequent(self, definition: OccurrenceTrait, related: Related, known: exp.Expr, kept: Value) -> exp.Query:
        rows = self._rows(related, known, [("item", kept.node)])
        alias, counted = self._alias(), self.compiler.sources.name("counted")
        made = [named(exp.Count(this=exp.Star()), "times")]
        counts = grouped(rows, [*related.names, "item"], made, alias)
        item = Value(node=column("item", counted), type=kept.type, title=kept.title)
        often = definition.which is Which.MOST_FREQUENT
        order = [ordered(column("times", counted), descending=often), ordered(self.compiler.sortable(item))]
        return self._top(counts, related, order, counted)

    def _top(self, rows: exp.Query, related: Related, order: Sequence[exp.Expr], alias: str) -> exp.Query:
        """The first row for each key, by this order."""
        keys = [column(name, alias) for name in related.names]
        rank = named(row_number(order, [node.copy() for node in keys]), "place")
        ranked = exp.Select(
            expressions=[
                *[named(node, name) for node, name in zip(keys, related.names, strict=True)],
                named(column("item", alias), "value"),
                rank,
            ]
        )
        ranked.set("from_", exp.From(this=aliased(rows, alias)))
        outer = self.compiler.sources.name("ranked")
        query = exp.Select(expressions=[named(column(name, outer), name) for name in (*related.names, "value")])
        query.set("from_", exp.From(this=aliased(ranked, outer)))
        first = exp.EQ(this=column("place", outer), expression=exp.Literal.number(1))
        return query.where(first, copy=False)

    def _sorted_keys(self, related: Related) -> list[tuple[str, exp.Expr]]:
        model, found = related.scope.model, []
        for place, name in enumerate(model.primary_key):
            known = model.column(name)
            node = related.scope.column(name)
            kind = known.type if known else ColumnType.UNKNOWN
            found.append((f"by_{place}", self.compiler.sortable(Value(node=node, type=kind, title=name))))
        return found

    def _list(self, definition: ListTrait) -> tuple[exp.Query, Related]:
        self._check_list(definition)
        related, holds = self._related()
        found = [self._field(related, each.column, "columns") for each in definition.columns]
        if len(found) == 1:
            holds = all_of([holds, present(found[0].node.copy())])
        alias, ranked = self._alias(), self.compiler.sources.name("ranked")
        make = self._distinct if definition.distinct else self._in_order
        rows, sorts = make(definition, related, holds, found, alias)
        order = [ordered(sorts[0], descending=definition.descending), *[ordered(each) for each in sorts[1:]]]
        names = [f"item_{place}" for place in range(len(found))]
        sliced = self._slice(rows, related, names, order, alias)
        nodes: list[exp.Expr] = [column(name, ranked) for name in names]
        item = nodes[0]
        if len(nodes) > 1:
            titles = [each.name or value.title for each, value in zip(definition.columns, found, strict=True)]
            item = self.compiler.studio.json_object(list(zip(titles, nodes, strict=True)))
        place = column("place", ranked)
        made = self.compiler.studio.collect(item, place, len(nodes) > 1)
        query = grouped(sliced, related.names, [named(made, "value")], ranked)
        return query.where(_slice_of(definition, place), copy=False), related

    def _distinct(
        self, definition: ListTrait, related: Related, holds: exp.Expr, found: list[Value], alias: str
    ) -> tuple[exp.Query, list[exp.Expr]]:
        """Each value once, in its own order."""
        items = [(f"item_{place}", each.node) for place, each in enumerate(found)]
        rows = self._rows(related, holds, items)
        single = grouped(rows, [*related.names, *dict(items)], [], self.compiler.sources.name("single"))
        named_items = zip(dict(items), found, strict=True)
        return single, [self.compiler.sortable(_at(each, column(name, alias))) for name, each in named_items]

    def _in_order(
        self, definition: ListTrait, related: Related, holds: exp.Expr, found: list[Value], alias: str
    ) -> tuple[exp.Query, list[exp.Expr]]:
        """All rows, in the order that is asked for, then by primary key."""
        items = [(f"item_{place}", each.node) for place, each in enumerate(found)]
        by: list[tuple[str, exp.Expr]] = []
        if definition.order_by is not None:
            order = self._field(related, definition.order_by, "order_by")
            by.append(("by", self.compiler.sortable(order).copy()))
        by += self._sorted_keys(related)
        return self._rows(related, holds, [*items, *by]), [column(name, alias) for name, _ in by]

    def _check_list(self, definition: ListTrait) -> None:
        if not definition.distinct or definition.order_by is None:
            return
        if len(definition.columns) > 1 or definition.order_by != definition.columns[0].column:
            message = "A list without duplicates is in the order of its own values: drop the order, or keep duplicates."
            raise refused((*self.at.path, "order_by"), "operand_unfit", message)

    def _slice(
        self, rows: exp.Query, related: Related, items: Sequence[str], order: Sequence[exp.Expr], alias: str
    ) -> exp.Query:
        names = [*related.names, *items]
        rank = row_number(order, [column(name, alias) for name in related.names])
        chosen = [named(column(name, alias), name) for name in names]
        query = exp.Select(expressions=[*chosen, named(rank, "place")])
        query.set("from_", exp.From(this=aliased(rows, alias)))
        return query

    def _sql(self, definition: SqlTrait) -> tuple[exp.Query, Related]:
        related, holds = self._related()
        path, alias = (*self.at.path, "sql"), self._alias()
        parsed = formulas.aggregate(definition.sql, self.compiler.studio.dialect, path)
        items = []
        for place, (name, uses) in enumerate(parsed.references.items()):
            items.append((f"item_{place}", related.scope.value(Field(name), path, self.surface).node))
            for use in uses:
                parsed.put(use, column(f"item_{place}", alias))
        rows = self._rows(related, holds, items)
        return self._grouped(related, rows, parsed.tree, alias)

    def _or_default(self, node: exp.Expr, default: Scalar | None) -> exp.Expr:
        if default is None:
            return node
        if isinstance(default, bool):
            literal: exp.Expr = exp.true() if default else exp.false()
        else:
            literal = self.compiler.studio.text(default) if isinstance(default, str) else number(default)
        return exp.func("coalesce", node, literal)


def _at(found: Value, node: exp.Expr) -> Value:
    return Value(node=node, type=found.type, title=found.title)


def _slice_of(definition: ListTrait, place: exp.Expr) -> exp.Expr:
    wanted: list[exp.Expr] = [exp.GT(this=place.copy(), expression=exp.Literal.number(definition.skip))]
    if definition.take is not None:
        last = exp.Literal.number(definition.skip + definition.take)
        wanted.append(exp.LTE(this=place.copy(), expression=last))
    return all_of(wanted)
