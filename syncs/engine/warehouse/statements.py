"""Every statement of a run, as a tree that any of the dialects can render.

In the planner schema a run has these tables (``c0``, ``c1``… are the columns that
the sync uses, in the order of its specification, in the warehouse's own types):

``_plan``        the model's result: ``_key`` (text), ``_hash``, the columns
``_changes``     what differs: ``_key``, ``_operation`` (``duplicate`` for keys that
                 several rows have), ``_times``, and what was known: ``_base_hash``,
                 ``_present``, ``_forced``, ``_unsettled`` (0 or 1)
``_rejections``  rows that did not arrive, with the state that the destination is known
                 to hold: what the local planner's overlay is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.planner import Statement, model_table, own_table
from connectors.sdk.types import Column, ColumnType, Operation
from syncs.engine.recipe import DUPLICATE_CODE, HASH, KEY
from syncs.engine.warehouse.profile import Profile
from syncs.engine.warehouse.retyping import retyped

OPERATION, TIMES, BASE_HASH, PRESENT, FORCED, UNSETTLED = (
    "_operation", "_times", "_base_hash", "_present", "_forced", "_unsettled",
)  # fmt: skip
SHARED_KEY = "_shared_key"
REASON, CODE, MESSAGE, FIELD, IN_DOUBT = "_reason", "_code", "_message", "_field", "_in_doubt"
WORDS = (REASON, CODE, MESSAGE, FIELD)
DUPLICATE = "duplicate"
OUTCOME_COLUMNS = {
    KEY: pa.string(), OPERATION: pa.string(), REASON: pa.string(), CODE: pa.string(), MESSAGE: pa.string(),
    FIELD: pa.string(), IN_DOUBT: pa.int32(),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What is compared with: the tables of the run before, and what their columns are.

    ``columns`` are in the order of the *new* run's specification: ``None`` where the
    base has no such column. ``own_hash`` is whether its stored hashes were made by
    the new run's recipe. ``float_key``: its keys are made again from their column,
    since the local planner writes floats otherwise.
    """

    plan: str
    rejections: str  # empty where no row is unsettled
    columns: tuple[Column | None, ...]
    own_hash: bool
    key: Column | None = None


class Statements:
    """The statements of one run in one dialect.

    ``columns`` describes the model's columns that the sync reads, ``key`` and
    ``tracked`` are places in it.
    """

    def __init__(self, profile: Profile, columns: Sequence[Column], key: int, tracked: Sequence[int]) -> None:
        self._profile = profile
        self._columns = tuple(columns)
        self._key = key
        self._tracked = tuple(tracked)

    @property
    def recipe(self) -> str:
        """Names how digests are made: only those of the same recipe are comparable."""
        tracked = sorted((self._columns[i].name, self._columns[i].native_type) for i in self._tracked)
        listed = ", ".join(f"{name!r} {native}" for name, native in tracked)
        return f"{self._profile.name} {self._profile.recipe} ({listed})"

    def create_plan(self, name: str, model: str, keep_one_by: int | None = None) -> Statement:
        """The model's result as a table: queried once, so that every column is of the same moment.

        ``keep_one_by``, the place of a column, keeps the key of one row of those that
        share it; the others have it as ``_shared_key`` only.
        """
        read = [_column(column.name) for column in self._columns]
        key = self._profile.key(read[self._key].copy(), self._columns[self._key])
        digest = self._digest([read[i] for i in self._tracked], [self._columns[i] for i in self._tracked])
        kept = [self._profile.kept(r.copy(), column) for r, column in zip(read, self._columns, strict=True)]
        columns = [_as(column, f"c{i}") for i, column in enumerate(kept)]
        found = exp.select(_as(key, KEY), _as(digest, HASH), *columns).from_(model_table())
        if keep_one_by is not None:
            found = self._keep_one(found, keep_one_by)
        return self._create(name, found, model)

    def count_plan(self, plan: str, *, keeps_one: bool = False) -> Statement:
        """Rows, rows that have a key, and those whose key is another row's."""
        keyed = _as(exp.Count(this=_column(KEY)), "keyed")
        shared = exp.Count(this=_column(SHARED_KEY)) - exp.Count(this=_column(KEY)) if keeps_one else "0"
        counts = [_as(exp.Count(this=exp.Star()), "rows"), keyed, exp.alias_(shared, "surplus", quoted=True)]
        return Statement(exp.select(*counts).from_(own_table(plan)))

    def plan_keys(self, plan: str, base: Base | None, *, keeps_one: bool = False) -> Statement:
        """The keys of a result; with a base only those that it does not know."""
        name = SHARED_KEY if keeps_one else KEY
        found = exp.select(_as(_column(name, "n"), KEY)).from_(_table(plan, "n")).where(_given(_column(name, "n")))
        if base is not None:
            found = self._join_base(found, base, base.plan, on=_column(name, "n"), kind="left")
            found = found.where(_missing(_column(KEY, "b")))
        return Statement(found)

    def delete_keys(self, table: str, keys: str, column: str = KEY) -> Statement:
        """Delete the rows whose key is in the table ``keys``, which was loaded."""
        loaded = exp.select(self._profile.collate(_column(KEY))).from_(own_table(keys))
        return Statement(exp.delete(own_table(table)).where(_column(column).isin(query=loaded)))

    def create_changes(self, name: str, plan: str, base: Base | None, *, reprocess: bool) -> Statement:
        """Keys that several rows have, and all differences from the base.

        One pass over both sides grouped by key finds both: no join has to be planned.
        """
        sides = [self._new_side(plan)]
        if base is not None:
            sides.append(self._plan_side(base))
            sides += [self._rejections_side(base)] if base.rejections else []
        union: exp.Query = sides[0]
        for side in sides[1:]:
            union = exp.union(union, side, distinct=False)
        grouped = (
            exp.select(
                _column(KEY),
                _as(exp.Sum(this=_column("_new")), TIMES),
                *(_as(exp.Max(this=_column(n)), n) for n in (_NEW_HASH, BASE_HASH, PRESENT, FORCED, UNSETTLED)),
            )
            .from_(_sub(union, "s"))
            .group_by(_column(KEY))
        )
        kept = [_column(n) for n in (KEY, TIMES, BASE_HASH, PRESENT, FORCED, UNSETTLED)]
        found = exp.select(kept[0], _as(_operation(), OPERATION), *kept[1:]).from_(_sub(grouped, "g"))
        return self._create(name, found.where(_differs(reprocess) if base is not None else _duplicated()))

    def count_changes(self, changes: str) -> Statement:
        """Keys and rows by operation, apart for those left over from earlier runs."""
        group = [_column(OPERATION), _column(UNSETTLED)]
        keys, rows = _as(exp.Count(this=exp.Star()), "keys"), _as(exp.Sum(this=_column(TIMES)), "rows")
        return Statement(exp.select(*group, keys, rows).from_(own_table(changes)).group_by(*(g.copy() for g in group)))

    def count_known(self, base: Base, changes: str) -> Statement:
        """Of the base's rejections: rows of its result, rows that are held, and removals that are due again."""
        in_result = _column(OPERATION, "r").isin(Operation.ADDED.value, Operation.CHANGED.value)
        removed = exp.Literal.string(Operation.REMOVED.value)
        again = exp.and_(_column(OPERATION, "r").eq(removed), _column(OPERATION, "d").eq(removed.copy()))
        counts = [
            _sum_of(in_result, "in_result"),
            _sum_of(_column(PRESENT, "r").eq(1), "held"),
            _sum_of(again, "again"),
        ]
        found = exp.select(*counts).from_(_table(base.rejections, "r"))
        return Statement(
            found.join(_table(changes, "d"), on=self._base_key(base, "r").eq(_column(KEY, "d")), join_type="left")
        )

    def every_row(self, plan: str, changes: str, *, duplicates: bool) -> Statement:
        """All rows with a key of their own."""
        columns = [self._shown(i) for i in range(len(self._columns))]
        found = exp.select(_as(_column(KEY, "n"), KEY), *columns).from_(_table(plan, "n"))
        found = found.where(_given(_column(KEY, "n")))
        if duplicates:
            found = _join(found, changes, "d", kind="left", on=_column(KEY, "n")).where(_missing(_column(KEY, "d")))
        return Statement(found)

    def duplicates(self, plan: str, changes: str, *, keeps_one: bool = False) -> Statement:
        """Rows whose key is not their own, with how many have it."""
        columns = [self._shown(i) for i in range(len(self._columns))]
        if keeps_one:
            found = exp.select(_as(_column(SHARED_KEY, "n"), KEY), _as(_column(TIMES, "n"), TIMES), *columns)
            surplus = exp.and_(_missing(_column(KEY, "n")), _given(_column(SHARED_KEY, "n")))
            return Statement(found.from_(_table(plan, "n")).where(surplus))
        found = exp.select(_as(_column(KEY, "n"), KEY), _as(_column(TIMES, "d"), TIMES), *columns)
        return Statement(
            _join(found.from_(_table(plan, "n")), changes, "d", on=_column(KEY, "n")).where(_of(DUPLICATE))
        )

    def changed_rows(
        self, operation: Operation, plan: str, changes: str, base: Base, *, unsettled: bool | None
    ) -> Statement:
        """The rows of one operation with their values: ``c<n>`` and, for changed ones, old values as ``o<n>``.

        Values known from before are in the base's plan, or among its rejections for
        ``unsettled`` rows; ``None`` asks for both kinds, for additions, which need neither.
        """
        state = [_as(_column(n, "d"), n) for n in (KEY, PRESENT, FORCED, UNSETTLED)]
        new = [self._shown(i) for i in range(len(self._columns))]
        old_prefix = "o" if operation is Operation.CHANGED else "c"
        known = [i for i, column in enumerate(base.columns) if column is not None]
        old = [_as(self._restored(_column(_name(base.columns[i]), "b"), i, base), f"{old_prefix}{i}") for i in known]
        chosen = {Operation.ADDED: new, Operation.CHANGED: new + old, Operation.REMOVED: old}[operation]
        found = exp.select(*state, *chosen).from_(_table(changes, "d"))
        if operation is not Operation.REMOVED:
            found = _join(found, plan, "n", on=_column(KEY, "d"))
        if operation is not Operation.ADDED:
            source = base.rejections if unsettled else base.plan
            found = self._join_base(found, base, source)
        found = found.where(_of(operation.value))
        return Statement(found if unsettled is None else found.where(_column(UNSETTLED, "d").eq(int(unsettled))))

    def create_rejections(
        self, name: str, plan: str, changes: str, base: Base | None, outcomes: str, *, duplicates: bool
    ) -> Statement:
        """The rows that did not arrive, each as the destination is known to hold it.

        An addition keeps the values that were sent, because its removal will need them.
        ``outcomes`` is the loaded table of rows that are not settled; empty for none.
        """
        entries: list[exp.Query] = [self._entries(outcomes, changes)] if outcomes else []
        entries += [self._duplicate_entries(changes)] if duplicates else []
        if not entries:
            return self._create(name, self._no_rejections(plan))
        union = exp.union(*entries, distinct=False) if len(entries) == 2 else entries[0]
        columns = [_as(self._known_value(i, base), f"c{i}") for i in range(len(self._columns))]
        kept = [_as(_column(n, "e"), n) for n in (KEY, HASH, PRESENT, FORCED, OPERATION, *WORDS)]
        found = _join(
            exp.select(*kept, *columns).from_(_sub(union, "e")), plan, "n", kind="left", on=_column("_in_new", "e")
        )
        if base is not None:
            found = self._join_base(found, base, base.plan, on=_column("_in_plan", "e"), kind="left")
            if base.rejections:
                found = self._join_base(
                    found, base, base.rejections, "r", on=_column("_in_rejections", "e"), kind="left"
                )
        return self._create(name, found)

    def count(self, table: str) -> Statement:
        """How many rows a table has."""
        return Statement(exp.select(_as(exp.Count(this=exp.Star()), "rows")).from_(own_table(table)))

    def _keep_one(self, rows: exp.Select, by: int) -> exp.Select:
        """The row with the smallest value in a column keeps the key of all that share it."""
        order = exp.Order(
            expressions=[exp.Ordered(this=_column(n), desc=False, nulls_first=False) for n in (f"c{by}", HASH)]
        )
        partition = [_column(KEY)]
        columns = [_column(f"c{i}") for i in range(len(self._columns))]
        place = exp.Window(this=exp.RowNumber(), partition_by=partition, order=order)
        times = exp.Window(this=exp.Count(this=exp.Star()), partition_by=[_column(KEY)])
        numbered = exp.select(
            _column(KEY), _column(HASH), _as(place, "_place"), _as(times, TIMES), *columns
        ).from_(_sub(rows, "m"))  # fmt: skip
        own = exp.case().when(_column("_place").eq(1), _column(KEY))
        return exp.select(
            _as(own, KEY), _as(_column(KEY), SHARED_KEY), _column(HASH), _column(TIMES), *(c.copy() for c in columns)
        ).from_(_sub(numbered, "p"))

    # --- sides of the comparison ----------------------------------------------

    def _new_side(self, plan: str) -> exp.Select:
        nothing = exp.cast(exp.null(), self._profile.digest_type, dialect=self._profile.dialect)
        side = exp.select(
            _as(_column(KEY, "n"), KEY), _as(_column(HASH, "n"), _NEW_HASH), _as(nothing, BASE_HASH),
            *_numbers(_new=1, _present=0, _forced=0, _unsettled=0),
        )  # fmt: skip
        return side.from_(_table(plan, "n")).where(_given(_column(KEY, "n")))

    def _plan_side(self, base: Base) -> exp.Select:
        key = self._base_key(base, "b")
        side = exp.select(
            _as(key, KEY),
            *self._base_hashes(base, "b"),
            *_numbers(_new=0, _present=1, _forced=0, _unsettled=0),
        )
        found = side.from_(_table(base.plan, "b")).where(_given(_column(KEY, "b")))
        if base.rejections:
            on = self._base_key(base, "b").eq(self._base_key(base, "r"))
            found = found.join(_table(base.rejections, "r"), on=on, join_type="left").where(_missing(_column(KEY, "r")))
        return found

    def _rejections_side(self, base: Base) -> exp.Select:
        state = [_as(_column(n, "r"), n) for n in (PRESENT, FORCED)]
        side = exp.select(
            _as(self._base_key(base, "r"), KEY), *self._base_hashes(base, "r"), *_numbers(_new=0), *state,
            *_numbers(_unsettled=1),
        )  # fmt: skip
        return side.from_(_table(base.rejections, "r"))

    def _base_hashes(self, base: Base, table: str) -> list[exp.Expr]:
        nothing = exp.cast(exp.null(), self._profile.digest_type, dialect=self._profile.dialect)
        return [_as(nothing, _NEW_HASH), _as(self._base_hash(base, table), BASE_HASH)]

    def _base_hash(self, base: Base, table: str) -> exp.Expr:
        """The stored hash, or one made anew where the recipe is another; null where the base lacks a column."""
        if base.own_hash:
            return _column(HASH, table)
        tracked = [base.columns[i] for i in self._tracked]
        if any(column is None for column in tracked):
            return exp.cast(exp.null(), self._profile.digest_type, dialect=self._profile.dialect)
        digest = self._digest([_column(_name(c), table) for c in tracked], [c for c in tracked if c is not None])
        if table == "b":
            return digest
        # A row whose values were never known for sure stays different from whatever comes.
        return exp.case().when(_given(_column(HASH, table)), digest)

    def _base_key(self, base: Base, table: str) -> exp.Expr:
        if base.key is None:
            return self._profile.collate(_column(KEY, table)) if not base.own_hash else _column(KEY, table)
        made = self._profile.key(_column(base.key.name, table), base.key)
        return exp.func("coalesce", made, self._profile.collate(_column(KEY, table)))

    def _join_base(
        self,
        found: exp.Select,
        base: Base,
        source: str,
        alias: str = "b",
        *,
        on: exp.Expr | None = None,
        kind: str = "",
    ) -> exp.Select:
        left = on or _column(KEY, "d")
        return found.join(_table(source, alias), on=left.eq(self._base_key(base, alias)), join_type=kind)

    # --- unsettled rows ---------------------------------------------------------

    def _entries(self, outcomes: str, changes: str) -> exp.Select:
        """Outcomes with what was known of their rows; each says in which table its values are."""
        added = _column(OPERATION, "o").eq(Operation.ADDED.value)
        forced = exp.or_(_column(FORCED, "d").eq(1), _column(IN_DOUBT, "o").eq(1))
        key = self._profile.collate(_column(KEY, "o"))
        left = exp.select(
            _as(key, KEY), _as(_column(BASE_HASH, "d"), HASH),
            _as(exp.func("coalesce", _column(PRESENT, "d"), exp.Literal.number(0)), PRESENT),
            _as(exp.case().when(forced, "1").else_("0"), FORCED),
            *(_as(_column(n, "o"), n) for n in (OPERATION, *WORDS)),
            *_homes(key, added, exp.not_(added.copy())),
        )  # fmt: skip
        return left.from_(_table(outcomes, "o")).join(
            _table(changes, "d"), on=key.copy().eq(_column(KEY, "d")), join_type="left"
        )

    def _duplicate_entries(self, changes: str) -> exp.Select:
        nothing = exp.cast(exp.null(), self._profile.text_type, dialect=self._profile.dialect)
        known = _more_than(_column(TIMES, "d"), 1)
        chosen = exp.select(
            _as(_column(KEY, "d"), KEY), _as(_column(BASE_HASH, "d"), HASH), _as(_column(PRESENT, "d"), PRESENT),
            _as(_column(FORCED, "d"), FORCED), _as(nothing, OPERATION), _as(self._said(DUPLICATE), REASON),
            _as(self._said(DUPLICATE_CODE), CODE),
            _as(self._said("The primary key is not unique."), MESSAGE), _as(nothing.copy(), FIELD),
            *_homes(_column(KEY, "d"), exp.not_(known.copy()), known),
        )  # fmt: skip
        return chosen.from_(_table(changes, "d")).where(_of(DUPLICATE))

    def _said(self, words: str) -> exp.Expr:
        """Words as a column: a literal alone has no type in some systems."""
        return self._profile.plain_text(exp.Literal.string(words))

    def _no_rejections(self, plan: str) -> exp.Select:
        text = exp.cast(exp.null(), self._profile.text_type, dialect=self._profile.dialect)
        columns = [_as(_column(f"c{i}", "n"), f"c{i}") for i in range(len(self._columns))]
        words = [_as(text.copy(), n) for n in (OPERATION, *WORDS)]
        found = exp.select(
            _as(_column(KEY, "n"), KEY),
            _as(_column(HASH, "n"), HASH),
            *_numbers(_present=0, _forced=0),
            *words,
            *columns,
        )
        return found.from_(_table(plan, "n")).where(exp.Literal.number(1).eq(0))

    def _known_value(self, place: int, base: Base | None) -> exp.Expr:
        new = _column(f"c{place}", "n")
        found = exp.case().when(_given(_column("_in_new", "e")), new)
        old = base.columns[place] if base is not None else None
        if base is None or old is None:
            return found
        found = found.when(
            _given(_column("_in_plan", "e")),
            retyped(self._profile, _column(_name(old), "b"), old, self._columns[place]),
        )
        if base.rejections:
            value = retyped(self._profile, _column(_name(old), "r"), old, self._columns[place])
            found = found.when(_given(_column("_in_rejections", "e")), value)
        return found

    def _shown(self, place: int) -> exp.Expr:
        """A column of a run's own result under its name, as what the model has."""
        return _as(self._restored(_column(f"c{place}", "n"), place), f"c{place}")

    def _restored(self, value: exp.Expr, place: int, base: Base | None = None) -> exp.Expr:
        old = base.columns[place] if base is not None else None
        if old is not None and old.type is not ColumnType.STRING:  # what was moved has its own type
            return value
        return self._profile.restore(value, self._columns[place])

    # --- helpers ----------------------------------------------------------------

    def _digest(self, values: Sequence[exp.Expr], columns: Sequence[Column]) -> exp.Expr:
        pairs = sorted(zip(values, columns, self._tracked, strict=True), key=lambda p: self._columns[p[2]].name)
        return self._profile.row_digest([(value.copy(), column) for value, column, _ in pairs])

    def _create(self, name: str, query: exp.Query, model: str = "") -> Statement:
        tree = exp.Create(this=own_table(name), kind="TABLE", expression=query, properties=self._profile.properties())
        return Statement(tree, model, table_options=self._profile.table_options)


_NEW_HASH = "_new_hash"


def _operation() -> exp.Case:
    return (
        exp.case()
        .when(_duplicated(), exp.Literal.string(DUPLICATE))
        .when(_column(TIMES).eq(0), exp.Literal.string(Operation.REMOVED.value))
        .when(_column(PRESENT).eq(0), exp.Literal.string(Operation.ADDED.value))
        .else_(exp.Literal.string(Operation.CHANGED.value))
    )


def _differs(reprocess: bool) -> exp.Expr:
    """Which keys are differences: gone but held, new, forced, or with other values."""
    gone = exp.and_(_column(TIMES).eq(0), exp.or_(_column(PRESENT).eq(1), _column(FORCED).eq(1)))
    if reprocess:
        return exp.or_(gone, _more_than(_column(TIMES), 0))
    other = exp.or_(_missing(_column(BASE_HASH)), exp.NEQ(this=_column(_NEW_HASH), expression=_column(BASE_HASH)))
    due = exp.or_(_column(PRESENT).eq(0), _column(FORCED).eq(1), other)
    return exp.or_(gone, _duplicated(), exp.and_(_column(TIMES).eq(1), due))


def _duplicated() -> exp.Expr:
    return _more_than(_column(TIMES), 1)


def _more_than(value: exp.Expr, number: int) -> exp.Expr:
    return exp.GT(this=value, expression=exp.Literal.number(number))


def _homes(key: exp.Expr, in_new: exp.Expr, known: exp.Expr) -> list[exp.Expr]:
    """The key under the name of the table that has the row's values: joins need plain equality then."""
    unsettled = _column(UNSETTLED, "d").eq(1)
    in_plan = exp.and_(known, _column(PRESENT, "d").eq(1), _column(UNSETTLED, "d").eq(0))
    return [
        _as(exp.case().when(in_new, key.copy()), "_in_new"),
        _as(exp.case().when(in_plan, key.copy()), "_in_plan"),
        _as(exp.case().when(exp.and_(known.copy(), unsettled), key.copy()), "_in_rejections"),
    ]


def _sum_of(condition: exp.Expr, name: str) -> exp.Expr:
    return _as(exp.Sum(this=exp.case().when(condition, "1").else_("0")), name)


def _numbers(**values: int) -> list[exp.Expr]:
    return [_as(exp.Literal.number(value), name) for name, value in values.items()]


def _column(name: str, table: str = "") -> exp.Column:
    return exp.column(
        exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True) if table else None
    )


def _name(column: Column | None) -> str:
    return column.name if column is not None else ""


def _as(value: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(value, name, quoted=True)


def _table(name: str, alias: str) -> exp.Expr:
    return exp.alias_(own_table(name), alias, quoted=True, table=True)


def _sub(query: exp.Query, alias: str) -> exp.Subquery:
    return query.subquery(exp.to_identifier(alias, quoted=True))


def _join(found: exp.Select, table: str, alias: str, *, on: exp.Expr, kind: str = "") -> exp.Select:
    return found.join(_table(table, alias), on=on.eq(_column(KEY, alias)), join_type=kind)


def _of(operation: str) -> exp.Expr:
    return _column(OPERATION, "d").eq(operation)


def _given(value: exp.Expr) -> exp.Expr:
    return exp.not_(_missing(value))


def _missing(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value, expression=exp.null())
