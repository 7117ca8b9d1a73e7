"""Small pieces of SQL trees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlglot import exp


def text(value: str) -> exp.Literal:
    """A text as a literal."""
    return exp.Literal.string(value)


def number(value: int | float) -> exp.Expr:
    """A number as a literal, without an exponent."""
    written = str(abs(value)) if isinstance(value, int) else format(abs(Decimal(repr(value))), "f")
    literal = exp.Literal.number(written)
    return exp.Neg(this=literal) if value < 0 else literal


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A function by the name that the system itself uses."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def column(name: str, table: str) -> exp.Column:
    """A column of a table in the query, both quoted."""
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True))


def named(node: exp.Expr, name: str) -> exp.Expr:
    """A projection under a name."""
    return exp.alias_(node, name, quoted=True)


def aliased(query: exp.Query, name: str) -> exp.Subquery:
    """A query in the place of a table."""
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    return exp.Subquery(this=query, alias=alias)


def all_of(nodes: Iterable[exp.Expr]) -> exp.Expr:
    """AND, as a balanced tree, so that many conditions are no deep recursion."""
    return _joined([node for node in nodes if node != exp.true()], exp.And, exp.true())


def any_of(nodes: Iterable[exp.Expr]) -> exp.Expr:
    """OR, likewise."""
    return _joined([node for node in nodes if node != exp.false()], exp.Or, exp.false())


def _joined(nodes: Sequence[exp.Expr], kind: type[exp.Connector], empty: exp.Expr) -> exp.Expr:
    if not nodes:
        return empty
    joined = [_wrapped(node, kind) for node in nodes] if len(nodes) > 1 else list(nodes)
    while len(joined) > 1:
        pairs = [joined[i : i + 2] for i in range(0, len(joined), 2)]
        joined = [kind(this=pair[0], expression=pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return joined[0]


def _wrapped(node: exp.Expr, kind: type[exp.Connector]) -> exp.Expr:
    return exp.paren(node, copy=False) if isinstance(node, exp.Connector) and not isinstance(node, kind) else node


def equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Equality."""
    return exp.EQ(this=left, expression=right)


def present(node: exp.Expr) -> exp.Expr:
    """IS NOT NULL."""
    return exp.Not(this=absent(node))


def absent(node: exp.Expr) -> exp.Expr:
    """IS NULL."""
    return exp.Is(this=node, expression=exp.null())


def flag(condition: exp.Expr) -> exp.Expr:
    """1 where a condition holds, otherwise 0: never null, and a number in every system."""
    one, zero = exp.Literal.number(1), exp.Literal.number(0)
    return exp.Case(ifs=[exp.If(this=condition, true=one)], default=zero)


def negated(condition: exp.Expr) -> exp.Expr:
    """True where a condition does not hold, be it false or unknown."""
    return equal(flag(condition), exp.Literal.number(0))


def left_join(table: exp.Expr, on: exp.Expr) -> exp.Join:
    """LEFT JOIN."""
    return exp.Join(this=table, side="LEFT", on=on)


def row_number(order: Sequence[exp.Expr], partition: Sequence[exp.Expr] = ()) -> exp.Window:
    """ROW_NUMBER() OVER (…)."""
    rank = exp.Order(expressions=list(order))
    return exp.Window(this=exp.RowNumber(), partition_by=list(partition) or None, order=rank, over="OVER")


def ordered(node: exp.Expr, *, descending: bool = False) -> exp.Ordered:
    """One term of ORDER BY; what is null comes last."""
    return exp.Ordered(this=node, desc=descending, nulls_first=False)


def grouped(rows: exp.Query, keys: Sequence[str], made: Sequence[exp.Expr], alias: str) -> exp.Select:
    """Rows grouped by their key columns, which keep their names."""
    nodes = [column(name, alias) for name in keys]
    query = exp.Select(expressions=[*[named(node, name) for node, name in zip(nodes, keys, strict=True)], *made])
    query.set("from_", exp.From(this=aliased(rows, alias)))
    return query.group_by(*[node.copy() for node in nodes], copy=False)


def filtered(query: exp.Select, condition: exp.Expr) -> exp.Select:
    """WHERE, unless there is nothing to say."""
    return query if condition == exp.true() else query.where(condition, copy=False)
