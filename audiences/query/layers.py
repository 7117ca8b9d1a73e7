"""From an audience to the rows a sync gets: the layers between, in their order.

audience → subsets → priority lists → limit → splits → destination rules → masking (ADR 18).

One query carries a row through all of them with a flag for each layer, so that what a sync gets
(:func:`members`), how many are left after each layer (:func:`waterfall`) and who was stopped where
(:func:`stopped`) say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlglot import exp

from audiences.query.compiler import At, Compiler, within
from audiences.query.conditions import Definition, Limit
from audiences.query.errors import Problem, refused
from audiences.query.nodes import (
    absent,
    all_of,
    any_of,
    column,
    equal,
    filtered,
    flag,
    named,
    negated,
    number,
    ordered,
    row_number,
    text,
)
from audiences.query.schema import SavedAudience, Surface
from audiences.query.scope import Scope, find_column
from audiences.query.splits import SLOTS, Split, edge
from audiences.query.statements import Asker, Output, Query, added, counted, finished, over

GROUP_COLUMN = "split_group"


class Layer(StrEnum):
    """The layers that stop rows, in their order."""

    AUDIENCE = "audience"
    SUBSETS = "subsets"
    PRIORITY = "priority"
    LIMIT = "limit"
    SPLIT = "split"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sync gets of an audience.

    ``before`` are the audiences that stand before it in its priority list, highest first: whom one of them has,
    within its own subsets and limit, this one does not get. ``split`` and ``groups``: which groups this sync
    is for; ``labels`` are the names (group, name) by which results call them. ``rules`` are the destination's
    rules for the parent model; all of them hold.
    """

    audience: SavedAudience
    before: tuple[SavedAudience, ...] = ()
    split: Split | None = None
    groups: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    rules: tuple[Definition, ...] = ()


def allowed(
    asker: Asker, model: str, outputs: Sequence[Output], surface: Surface
) -> tuple[list[Output], list[tuple[Output, Problem]]]:
    """The columns of a result that may appear on a surface, and the others with the reason: the masking layer.

    A trait may appear where the columns that its value is made of may.
    """
    kept: list[Output] = []
    dropped: list[tuple[Output, Problem]] = []
    for each in outputs:
        compiler = asker.compiler()
        asker.outputs(compiler, compiler.scope(model), [each], surface)
        if compiler.problems:
            dropped.append((each, compiler.problems[0]))
        else:
            kept.append(each)
    return kept, dropped


def members(
    asker: Asker, plan: Plan, outputs: Sequence[Output], *, surface: Surface = Surface.SYNCS, rows: int | None = None
) -> Query:
    """What the sync gets, or a preview of it. Columns that may not appear are a problem: see :func:`allowed`.

    With a split, the group's name is there as the column ``split_group``.
    """
    layers = _Layers.of(asker, plan, outputs, surface, strict=True)
    return layers.asked(layers.shown(), _passed(_ORDER[-1]), rows)


def waterfall(asker: Asker, plan: Plan) -> Query:
    """How many are left after each layer: columns named like the layers. Layers that do nothing repeat the number."""
    layers = _Layers.of(asker, plan, (), Surface.SYNCS, strict=False)
    left = [added(flag(_passed(layer)), layer.value) for layer in _ORDER[1:]]
    return layers.asked([counted(Layer.AUDIENCE.value), *left], exp.true())


def group_counts(asker: Asker, plan: Plan) -> Query:
    """How many members each group of the split has: columns ``group_0``, ``group_1``… in the groups' order."""
    if plan.split is None:
        raise refused((), "malformed", "Nobody is in a group without a split.")
    layers = _Layers.of(asker, plan, (), Surface.SYNCS, strict=True)
    text_of = layers.compiler.studio.text
    made = [
        added(flag(equal(column(GROUP_COLUMN, _KEPT), text_of(group))), f"group_{place}")
        for place, group in enumerate(plan.split.groups)
    ]
    return layers.asked(made, _passed(Layer.LIMIT))


def stopped(
    asker: Asker,
    plan: Plan,
    layer: Layer,
    outputs: Sequence[Output],
    *,
    surface: Surface = Surface.PREVIEWS,
    rows: int | None = None,
) -> Query:
    """Who came as far as a layer and was stopped there: previews of the waterfall, and the log of holdouts."""
    if layer is Layer.AUDIENCE:
        raise refused((), "malformed", "Nobody is stopped before the audience.")
    layers = _Layers.of(asker, plan, outputs, surface, strict=False)
    before = _ORDER[_ORDER.index(layer) - 1]
    here = exp.NEQ(this=column(f"in_{layer}", _KEPT), expression=number(1))
    return layers.asked(layers.shown(), all_of([_passed(before), here]), rows)


_ORDER = tuple(Layer)
_KEPT = "kept"


def _passed(layer: Layer, alias: str = _KEPT) -> exp.Expr:
    """Whether a row came through this layer and all before it."""
    layers = _ORDER[1 : _ORDER.index(layer) + 1]
    return all_of([equal(column(f"in_{each}", alias), number(1)) for each in layers])


@dataclass(slots=True)
class _Layers:
    """All rows of the audience with a flag for each layer, as one query that grows outwards.

    Ranks, which limits and stratified splits go by, count only the rows that came so far. ``strict`` leaves
    rows out as soon as may be, where nobody asks for those that were stopped.
    """

    compiler: Compiler
    plan: Plan
    strict: bool
    names: list[str]
    rows: exp.Select
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, asker: Asker, plan: Plan, outputs: Sequence[Output], surface: Surface, *, strict: bool) -> _Layers:
        """The query for a plan."""
        compiler = asker.compiler()
        scope = compiler.scope(plan.audience.model)
        chosen = asker.outputs(compiler, scope, outputs, surface)
        first = _First(compiler, scope, plan, strict)
        with compiler.inside(plan.audience):
            nodes, holds = first.nodes(), first.holds
        # Inside, columns have names of their own: somebody may call one "bucket".
        columns = [*[(f"out_{place}", node) for place, (_, node) in enumerate(chosen)], *nodes]
        projections = [named(node, name) for name, node in columns]
        rows = filtered(scope.fill(exp.Select(expressions=projections)), holds)
        names = [name for name, _ in columns]
        layers = cls(compiler, plan, strict, names, rows, tuple(name for name, _ in chosen))
        layers._limit()
        layers._split()
        return layers

    def shown(self) -> list[exp.Expr]:
        """The columns of a result of rows."""
        shown = [named(column(f"out_{place}", _KEPT), name) for place, name in enumerate(self.outputs)]
        return [*shown, named(self._labelled(), GROUP_COLUMN)] if self.plan.split else shown

    def _labelled(self) -> exp.Expr:
        """The row's group, by its label where it has one."""
        value = self.compiler.studio.text
        group = column(GROUP_COLUMN, _KEPT)
        ifs = [exp.If(this=equal(group.copy(), value(key)), true=value(label)) for key, label in self.plan.labels]
        return exp.Case(ifs=ifs, default=group) if ifs else group

    def asked(self, made: Sequence[exp.Expr], condition: exp.Expr, rows: int | None = None) -> Query:
        """The finished query over the rows."""
        query = filtered(over(self.rows, _KEPT, *made), condition)
        return finished(self.compiler, query if rows is None else query.limit(rows, copy=False))

    def _grow(self, make: Callable[[str], Sequence[tuple[str, exp.Expr]]]) -> None:
        """One level outwards, with more columns."""
        alias = self.compiler.sources.name("layer")
        new = make(alias)
        nodes = [named(column(name, alias), name) for name in self.names]
        self.rows = over(self.rows, alias, *nodes, *[named(node, name) for name, node in new])
        self.names += [name for name, _ in new]

    def _limit(self) -> None:
        limit = self.plan.audience.definition.limit
        if limit is None:
            self._grow(lambda _: [("in_limit", number(1))])
            return
        self._grow(lambda alias: self._places(alias, "", limit, Layer.PRIORITY))
        self._grow(lambda alias: [("in_limit", flag(within(limit, alias)))])

    def _places(
        self, alias: str, prefix: str, limit: Limit | None, layer: Layer, strata: Sequence[str] = ()
    ) -> Sequence[tuple[str, exp.Expr]]:
        """Each row's place among those that came so far, and how many they are."""
        partition: list[exp.Expr] = [column(name, alias) for name in strata]
        if not (self.strict and layer is Layer.PRIORITY):
            partition.append(flag(_passed(layer, alias)))
        by = "limit_by" if limit else "bucket"
        keys = [name for name in self.names if name.startswith("sort_")]
        order = [ordered(column(by, alias), descending=limit is not None and not limit.bottom)]
        order += [ordered(column(name, alias)) for name in keys]
        count = exp.Window(
            this=exp.Count(this=exp.Star()), partition_by=[node.copy() for node in partition] or None, over="OVER"
        )
        return [(f"{prefix}place", row_number(order, partition)), (f"{prefix}total", count)]

    def _split(self) -> None:
        split = self.plan.split
        if split is None:
            self._grow(lambda _: [("in_split", number(1))])
            return
        if split.stratify:
            strata = [f"stratum_{place}" for place in range(len(split.stratify))]
            self._grow(lambda alias: self._places(alias, "split_", None, Layer.LIMIT, strata))
            self._grow(lambda alias: [(GROUP_COLUMN, self._by_place(split, alias))])
        else:
            self._grow(lambda alias: [(GROUP_COLUMN, self._by_bucket(split, alias))])
        wanted = [self.compiler.studio.text(group) for group in self.plan.groups]
        self._grow(lambda alias: [("in_split", flag(exp.In(this=column(GROUP_COLUMN, alias), expressions=wanted)))])

    def _by_bucket(self, split: Split, alias: str) -> exp.Expr:
        collate = self.compiler.studio.planner.collate
        ifs = [
            exp.If(
                this=exp.LT(this=collate(column("bucket", alias)), expression=text(edge(stretch.end))),
                true=self.compiler.studio.text(stretch.group),
            )
            for stretch in split.stretches
        ]
        return exp.Case(ifs=ifs)

    def _by_place(self, split: Split, alias: str) -> exp.Expr:
        """Within a stratum the first so many places, in the order of the buckets, are the first group's, and so on."""
        before = exp.paren(exp.Sub(this=column("split_place", alias), expression=number(1)), copy=False)
        share = exp.Mul(this=before, expression=number(SLOTS))
        ifs, end = [], 0
        for group in split.groups:
            end += sum(stretch.size for stretch in split.stretches if stretch.group == group)
            reached = exp.Mul(this=number(end), expression=column("split_total", alias))
            ifs.append(
                exp.If(this=exp.LT(this=share.copy(), expression=reached), true=self.compiler.studio.text(group))
            )
        return exp.Case(ifs=ifs)


@dataclass(slots=True)
class _First:
    """The innermost level: the audience's rows, and what later layers need of them."""

    compiler: Compiler
    scope: Scope
    plan: Plan
    strict: bool
    holds: exp.Expr = field(default_factory=exp.true)

    def nodes(self) -> list[tuple[str, exp.Expr]]:
        """Names and nodes; sets ``holds``, the rows' condition."""
        audience, compiler, scope = self.plan.audience, self.compiler, self.scope
        alone = At(alone=True)
        early = [compiler.group(scope, audience.definition.where, alone.to("where"))]
        late = [
            (Layer.SUBSETS, self._subsets, True),
            (Layer.PRIORITY, self._priority, True),
            (Layer.RULE, self._rules, not self._ranked()),
        ]
        nodes: list[tuple[str, exp.Expr]] = []
        for layer, make, may_be_early in late:
            first = self.strict and may_be_early
            condition = make(At(alone=first))
            if first:
                early.append(condition)
            nodes.append((f"in_{layer}", number(1) if first else flag(condition)))
        self.holds = all_of(early)
        return [*nodes, *self._ranks()]

    def _ranked(self) -> bool:
        """Whether later layers count rows, so that a rule may not leave any out before."""
        split = self.plan.split
        return self.plan.audience.definition.limit is not None or bool(split and split.stratify)

    def _subsets(self, at: At) -> exp.Expr:
        return all_of(self.compiler.subsets(self.scope, self.plan.audience.subsets, at))

    def _rules(self, at: At) -> exp.Expr:
        rules = enumerate(self.plan.rules)
        with self.compiler.apart():  # a rule may ask for members of the very audience that is sent
            return all_of([self.compiler.group(self.scope, rule.where, at.to("rules", place)) for place, rule in rules])

    def _priority(self, _: At) -> exp.Expr:
        return not_captured(self.compiler, self.scope, self.plan.before)

    def _ranks(self) -> list[tuple[str, exp.Expr]]:
        nodes: list[tuple[str, exp.Expr]] = []
        limit, split = self.plan.audience.definition.limit, self.plan.split
        if limit is not None:
            nodes.append(("limit_by", self.compiler.limit_value(self.scope, limit, At(("limit",)))))
        if split is not None:
            nodes.append(("bucket", bucket(self.compiler, self.scope, split.salt)))
            for place, name in enumerate(split.stratify):
                found = find_column(self.scope.model, name, ("split",))
                nodes.append((f"stratum_{place}", self.scope.column(found.name)))
        if self._ranked():
            nodes += [(f"sort_{place}", node) for place, node in enumerate(self.scope.key())]
        return nodes


def bucket(compiler: Compiler, scope: Scope, salt: str) -> exp.Expr:
    """The first eight hexadecimal digits of the hash of salt and key: a member's place in a split."""
    pieces: list[exp.Expr] = []
    for name in scope.model.primary_key:
        found = find_column(scope.model, name, ("split",))
        written = compiler.studio.planner.text(scope.column(name), found.as_column())
        pieces += [text("|"), written] if pieces else [compiler.studio.text(salt), written]
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = exp.DPipe(this=joined, expression=piece, safe=False)
    digest = compiler.studio.hexadecimal(exp.paren(joined, copy=False))
    return exp.Substring(this=digest, start=number(1), length=number(8))


def not_captured(compiler: Compiler, scope: Scope, before: Sequence[SavedAudience]) -> exp.Expr:
    """Whether no audience that stands before in a priority list has a row."""
    if any(audience.definition.limit for audience in before):
        return _not_taken(compiler, scope, before)
    found = []
    for place, audience in enumerate(before):
        with compiler.referring("audience", audience, At(("before", place))):
            found.append(negated(compiler.qualifies(scope, audience, At(alone=False))))
    return all_of(found)


def _not_taken(compiler: Compiler, scope: Scope, before: Sequence[SavedAudience]) -> exp.Expr:
    """The same where limits count: each has those within its limit whom none before it has.

    One level for each audience: who qualifies, then, from the highest on, who is taken.
    """
    inner = scope.again()
    names = [f"key_{place}" for place in range(len(scope.model.primary_key))]
    nodes = list(zip(names, inner.key(), strict=True))
    for place, audience in enumerate(before):
        with compiler.referring("audience", audience, At(("before", place))):
            nodes.append((f"in_{place}", flag(compiler.qualifies(inner, audience, At(alone=False)))))
        if audience.definition.limit is not None:
            value = compiler.limit_value(inner, audience.definition.limit, At(("before", place, "limit")))
            nodes.append((f"by_{place}", value))
    columns = [name for name, _ in nodes]
    rows = inner.fill(exp.Select(expressions=[named(node, name) for name, node in nodes]))
    for place, audience in enumerate(before):
        rows, columns = _take(compiler, rows, columns, place, audience.definition.limit)
    found = compiler.sources.name("taken")
    taken = any_of([equal(column(f"taken_{place}", found), number(1)) for place in range(len(before))])
    query = over(rows, found, *[named(column(name, found), name) for name in names]).where(taken, copy=False)
    alias = scope.join(query.distinct(copy=False), scope.key(), names, "taken")
    return absent(column(names[0], alias))


def _take(
    compiler: Compiler, rows: exp.Select, columns: list[str], place: int, limit: Limit | None
) -> tuple[exp.Select, list[str]]:
    """Who is taken by one audience: those who qualify and are not taken yet, within its limit."""
    alias = compiler.sources.name("list")
    free = all_of(
        [
            equal(column(f"in_{place}", alias), number(1)),
            *[equal(column(f"taken_{earlier}", alias), number(0)) for earlier in range(place)],
        ]
    )
    if limit is not None:
        keys = [ordered(column(name, alias)) for name in columns if name.startswith("key_")]
        order = [ordered(column(f"by_{place}", alias), descending=not limit.bottom), *keys]
        total = exp.Window(this=exp.Count(this=exp.Star()), partition_by=[flag(free.copy())], over="OVER")
        kept = [named(column(name, alias), name) for name in columns]
        ranks = [named(row_number(order, [flag(free)]), "place"), named(total, "total")]
        rows, alias = over(rows, alias, *kept, *ranks), compiler.sources.name("list")
        earlier = [equal(column(f"taken_{each}", alias), number(0)) for each in range(place)]
        free = all_of([equal(column(f"in_{place}", alias), number(1)), *earlier, within(limit, alias)])
    kept = [named(column(name, alias), name) for name in columns]
    return over(rows, alias, *kept, named(flag(free), f"taken_{place}")), [*columns, f"taken_{place}"]
