"""Single people in samples: finding their rows there, and deleting them with what belongs to them alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from audiences.query.compiler import Compiler, exists
from audiences.query.dialects import Studio
from audiences.query.nodes import any_of, call, equal, named, text
from audiences.query.sampling import Way, Written, hops_of, reading
from audiences.query.schema import table_node
from audiences.query.scope import Related, Scope
from audiences.query.statements import Asker, Query, finished
from connectors.sdk.types import Table

ANY_COLUMN = "*"
ROW_KEY = "headrace_row_key"
Keys = Mapping[str, Collection[str]]
Tables = Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is looked for: a value in one column, in any (``*``), or without a column a primary key."""

    value: str
    column: str = ""


def matching(asker: Asker, tables: Tables, model: str, wanted: Wanted, most: int) -> Query:
    """The rows of a model's sample that hold the value: the key as text, then all columns."""
    compiler = reading(asker, tables).compiler()
    scope = compiler.scope(model)
    shown = [named(scope.column(each.name), each.name) for each in scope.model.columns]
    query = scope.fill(exp.Select(expressions=[named(row_key(compiler, scope), ROW_KEY), *shown]))
    return finished(compiler, query.where(_holds(compiler, scope, wanted), copy=False).limit(most, copy=False))


def keys_in(asker: Asker, tables: Tables, model: str) -> Query:
    """The primary keys of a model's sample, as text."""
    compiler = reading(asker, tables).compiler()
    scope = compiler.scope(model)
    return finished(compiler, scope.fill(exp.Select(expressions=[named(row_key(compiler, scope), ROW_KEY)])))


def deletions(
    asker: Asker, parent: str, tables: Tables, ways: Mapping[str, Sequence[Way]], keys: Keys
) -> Iterator[tuple[str, Written]]:
    """Statements that delete rows with these keys, by model, and what belongs to each of them and to nobody else.

    What is farthest from the parent goes first, as it is found by the rows that it belongs to.
    """
    asker = reading(asker, tables)
    far_first = sorted(tables, key=lambda model: -min((len(way) for way in ways.get(model, ())), default=0))
    for model in far_first:
        for way in ways.get(model, ((),)):
            trail = [parent, *(hop.model for hop in hops_of(asker.schema, parent, way))]
            for place, owner in enumerate(trail[:-1]):
                back = hops_of(asker.schema, model, tuple(reversed(way[place:])))
                if keys.get(owner) and owner in tables and all(hop.single for hop in back):
                    compiler, scope = _over(asker, model, tables[model])
                    related = Related.of(scope, back)
                    held = _has_key(compiler, related.scope, keys[owner])
                    yield model, _deletion(compiler, tables[model], exists(related, held))
    for model in far_first:
        if keys.get(model):
            compiler, scope = _over(asker, model, tables[model])
            yield model, _deletion(compiler, tables[model], _has_key(compiler, scope, keys[model]))


def row_key(compiler: Compiler, scope: Scope) -> exp.Expr:
    """A row's primary key as text; that of several columns with bars between them."""
    studio, pieces = compiler.studio, list[exp.Expr]()
    for name in scope.model.primary_key:
        known = scope.model.column(name)
        node = scope.column(name)
        written = studio.planner.text(node, known.as_column()) if known else studio.planner.plain_text(node)
        pieces += [text("|"), written] if pieces else [written]
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = exp.DPipe(this=joined, expression=piece, safe=False)
    return joined


def _deletion(compiler: Compiler, table: Table, where: exp.Expr) -> Written:
    return Written(exp.delete(table_node(table)).where(where, copy=False), models=compiler.sources.marks)


def _over(asker: Asker, model: str, table: Table) -> tuple[Compiler, Scope]:
    """A level under the table's own name: not every system lets a DELETE give it another one."""
    compiler = asker.compiler()
    scope = compiler.scope(model)
    scope.alias = table.name
    return compiler, scope


def _has_key(compiler: Compiler, scope: Scope, keys: Collection[str]) -> exp.Expr:
    wanted = [compiler.studio.text(key) for key in sorted(keys)]
    return exp.In(this=exp.paren(row_key(compiler, scope), copy=False), expressions=wanted)


def _holds(compiler: Compiler, scope: Scope, wanted: Wanted) -> exp.Expr:
    if not wanted.column:
        return _has_key(compiler, scope, [wanted.value])
    studio = compiler.studio
    asked = [each for each in scope.model.columns if wanted.column in (ANY_COLUMN, each.name)]
    tests = [_same(studio, studio.planner.text(scope.column(e.name), e.as_column()), wanted.value) for e in asked]
    if wanted.column == ANY_COLUMN:
        tests.append(_has_key(compiler, scope, [wanted.value]))
    return any_of(tests)


def _same(studio: Studio, node: exp.Expr, value: str) -> exp.Expr:
    """Addresses are the same whatever their case."""
    return equal(call("lower", node), studio.text(value.lower())) if "@" in value else equal(node, studio.text(value))
