"""Why one row is in or out: for each condition the rows, or the value, that decide it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from audiences.query import traits
from audiences.query.compiler import At, Compiler
from audiences.query.conditions import (
    AudienceCondition,
    Condition,
    EventCondition,
    FormulaTrait,
    Group,
    PropertyCondition,
    RelationCondition,
    TraitCondition,
)
from audiences.query.errors import Path, refused
from audiences.query.nodes import aliased, all_of, column, equal, filtered, flag, named, number, ordered
from audiences.query.schema import SavedAudience, Surface
from audiences.query.scope import Related, Scope
from audiences.query.statements import Asker, Key, Output, Query, finished, has_key


def condition_at(definition_where: Group, path: Path) -> Condition:
    """The condition at a path of :meth:`Asker.explain`, which begins with ``where``."""
    found: Condition = definition_where
    for place in path[2::2]:
        assert isinstance(found, Group)
        found = found.conditions[int(place)]
    return found


def row(asker: Asker, audience: SavedAudience, outputs: Sequence[Output], key: Key) -> Query:
    """The row with this key, if the audience's conditions and subsets hold: a 1, then columns that previews show."""
    compiler = asker.compiler()
    scope = compiler.scope(audience.model)
    chosen = asker.outputs(compiler, scope, outputs, Surface.PREVIEWS)
    with compiler.inside(audience):
        holds = all_of([compiler.qualifies(scope, audience, At()), has_key(compiler, scope, key)])
    found = named(number(1), "headrace_found")
    query = exp.Select(expressions=[found, *(named(node, name) for name, node in chosen)])
    return finished(compiler, filtered(scope.fill(query), holds))


def membership(asker: Asker, audience: SavedAudience, key: Key) -> Query:
    """Whether the row with this key is a member, subsets and limit and all: 1 or 0 in the column ``member``."""
    known = {**asker.schema.audiences, audience.id: audience}
    compiler = replace(asker, schema=replace(asker.schema, audiences=known)).compiler()
    scope = compiler.scope(audience.model)
    member = flag(compiler.condition(scope, AudienceCondition(audience.id), At(alone=False)))
    query = scope.fill(exp.select(named(member, "member")))
    return finished(compiler, query.where(has_key(compiler, scope, key), copy=False))


def evidence(
    asker: Asker, audience: SavedAudience, path: Path, key: Key, *, rows: int = 10, within: Group | None = None
) -> Query | None:
    """What decides a condition for the row with this key; ``None`` where its parts, or another audience, do.

    Of a property or a trait: its ``value``. Of related rows: those for which the inner conditions hold, newest
    events first, with the columns that previews may show; only those ``within`` which somebody sees them. Of a trait
    condition see :func:`trait_rows` as well.
    """
    condition = condition_at(audience.definition.where, path)
    if isinstance(condition, Group | AudienceCondition):
        return None
    compiler = asker.compiler()
    scope = compiler.scope(audience.model)
    at = At(path)
    if isinstance(condition, RelationCondition | EventCondition):
        related, holds = compiler.matching(scope, condition, at)
        return finished(compiler, _related_rows(compiler, scope, related, holds, key, rows, within))
    if isinstance(condition, PropertyCondition):
        node = scope.value(condition.field, path, Surface.PREVIEWS).node
    else:
        node = _trait_value(compiler, scope, condition, at)
    query = filtered(scope.fill(exp.select(named(node, "value"))), has_key(compiler, scope, key))
    return finished(compiler, query)


def trait_rows(
    asker: Asker, audience: SavedAudience, path: Path, key: Key, *, rows: int = 10, within: Group | None = None
) -> Query | None:
    """The rows that a trait condition's value is calculated from, as in :func:`evidence`; ``None`` for formulas."""
    condition = condition_at(audience.definition.where, path)
    assert isinstance(condition, TraitCondition)
    definition = condition.definition
    if definition is None:
        saved = asker.schema.traits.get(condition.trait or "")
        if saved is None:
            raise refused(path, "unknown_trait", "The trait that this is about is not there any more.")
        definition = saved.definition
    if isinstance(definition, FormulaTrait):
        return None
    compiler = asker.compiler()
    scope = compiler.scope(audience.model)
    both = Group(conditions=(definition.where, condition.where))
    same = RelationCondition(definition.relationship, where=both)
    related, holds = compiler.matching(scope, same, At(path))
    return finished(compiler, _related_rows(compiler, scope, related, holds, key, rows, within))


def _trait_value(compiler: Compiler, scope: Scope, condition: TraitCondition, at: At) -> exp.Expr:
    if condition.definition is not None:
        return traits.value(compiler, scope, condition.definition, at, extra=condition.where).node
    return traits.saved(compiler, scope, condition.trait or "", at, extra=condition.where).node


def _related_rows(
    compiler: Compiler, scope: Scope, related: Related, holds: exp.Expr, key: Key, rows: int, within: Group | None
) -> exp.Select:
    model = related.scope.model
    if within is not None:
        holds = all_of([holds, compiler.group(related.scope, within, At(("within",), level=1))])
    shown = [each.name for each in model.columns if each.may(Surface.PREVIEWS)]
    chosen = [named(related.scope.column(name), name) for name in shown]
    inner = filtered(related.select(*chosen, *related.keys()), holds)
    found = compiler.sources.name("found")
    pairs = [equal(column(name, found), node) for name, node in zip(related.names, related.outer, strict=True)]
    query = exp.Select(expressions=[named(column(name, found), name) for name in shown])
    query = scope.fill(query, exp.Join(this=aliased(inner, found), on=all_of(pairs)))
    query = filtered(query, has_key(compiler, scope, key))
    return query.order_by(*_newest(model.timestamp, shown, model.primary_key, found), copy=False).limit(
        rows, copy=False
    )


def _newest(timestamp: str | None, shown: Sequence[str], key: Sequence[str], found: str) -> list[exp.Expr]:
    order = [ordered(column(timestamp, found), descending=True)] if timestamp in shown and timestamp else []
    return [*order, *[ordered(column(name, found)) for name in key if name in shown]]
