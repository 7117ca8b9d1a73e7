"""Finding and erasing one person's rows in the tables that Headrace keeps in a warehouse."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlglot import exp

from connectors.sdk.planner import AUDIT_SCHEMA, Statement, own_table, warehouse_of
from connectors.sdk.source import Source
from connectors.sdk.types import Column
from syncs.engine.duck import Check
from syncs.engine.erasing import Person
from syncs.engine.logs.tables import CHANGELOG, SNAPSHOT
from syncs.engine.persons import ANY_COLUMN, LONGEST_VALUE, MOST_ROWS, HeldRow, Wanted
from syncs.engine.recipe import KEY
from syncs.engine.spec import Baseline
from syncs.engine.warehouse.desk import Desk, desk
from syncs.engine.warehouse.preparation import profile_of
from syncs.engine.warehouse.profile import Profile
from syncs.engine.warehouse.statements import FORCED, MESSAGE, OPERATION, PRESENT, REASON, SHARED_KEY

_KEYS_AT_ONCE = 500


def find_held(source: Source, baseline: Baseline, wanted: Wanted, keys: Collection[str], check: Check) -> list[HeldRow]:
    """The person's rows in a baseline that is in the warehouse, rejections in the place of the result's."""
    with desk(warehouse_of(source), check) as bench:
        profile = profile_of(source)
        there = set(bench.tables(""))
        entries = []
        if baseline.rejections in there:
            entries = _held_in(bench, profile, baseline.rejections, baseline.columns, wanted, keys)
        rows = _held_in(bench, profile, baseline.plan, baseline.columns, wanted, keys) if baseline.plan in there else []
    entered = {row.key for row in entries}
    return [*entries, *(row for row in rows if row.key not in entered)]


def erase_held(source: Source, prefix: str, baseline: Baseline | None, person: Person, check: Check) -> dict[str, int]:
    """Delete the person's rows from every planner table of a sync; the rows deleted by table."""
    with desk(warehouse_of(source), check) as bench:
        profile = profile_of(source)
        counts: dict[str, int] = {}
        for table in bench.tables(prefix):
            described = {column.name for column in bench.session.describe(_all_of(table))}
            keys = set(person.keys)
            if baseline is not None and KEY in described and table in (baseline.plan, baseline.rejections):
                held = _held_in(bench, profile, table, baseline.columns, person.wanted, person.keys)
                keys |= {row.key for row in held}
            for column in (KEY, SHARED_KEY):
                if column in described and keys:
                    counts[table] = counts.get(table, 0) + _delete(bench, own_table(table), column, sorted(keys))
        return {table: rows for table, rows in counts.items() if rows}


def erase_logs(source: Source, workspace: str, sync_id: int, keys: Collection[str], check: Check) -> dict[str, int]:
    """Delete the entries about these rows from the sync logs; the entries deleted by table."""
    counts: dict[str, int] = {}
    with desk(warehouse_of(source), check) as bench:
        there = set(bench.session.tables("", AUDIT_SCHEMA))
        for table in (CHANGELOG, SNAPSHOT):
            if table.name not in there:
                continue
            own = exp.and_(
                _column("workspace").eq(exp.Literal.string(workspace)),
                _column("sync_id").eq(exp.Literal.number(sync_id)),
            )
            rows = _delete(bench, table.expression(), "row_id", sorted(keys), own)
            if rows:
                counts[table.name] = rows
    return counts


def _held_in(
    bench: Desk, profile: Profile, table: str, names: Sequence[str], wanted: Wanted, keys: Collection[str]
) -> list[HeldRow]:
    """Rows of one table; the columns of a sync are ``c0``, ``c1``… there."""
    described = {column.name: column for column in bench.session.describe(_all_of(table))}
    shown = [(name, described[f"c{i}"]) for i, name in enumerate(names) if f"c{i}" in described]
    state = [_column(n) for n in (PRESENT, FORCED, OPERATION, REASON, MESSAGE)] if PRESENT in described else []
    texts = [profile.plain_text(_column(column.name), column) for _, column in shown]
    query = exp.select(_column(KEY), *state, *(exp.alias_(t, f"t{i}", quoted=True) for i, t in enumerate(texts)))
    query = query.from_(own_table(table)).where(_condition(profile, shown, wanted, keys)).limit(MOST_ROWS)
    found = []
    for key, *rest in bench.rows(Statement(query)):
        told, values = (rest[:5], rest[5:]) if state else ((1, 0, "", "", ""), rest)
        held = {name: None if v is None else str(v)[:LONGEST_VALUE] for (name, _), v in zip(shown, values, strict=True)}
        found.append(
            HeldRow(
                key=str(key),
                values=held,
                present=bool(told[0]),
                operation=told[2] or "",
                reason=told[3] or "",
                message=told[4] or "",
            )
        )
    return found


def _condition(
    profile: Profile, shown: Sequence[tuple[str, Column]], wanted: Wanted, keys: Collection[str]
) -> exp.Expr:
    value = exp.Literal.string(wanted.value)
    tests: list[exp.Expr] = []
    if wanted.column in ("", ANY_COLUMN):
        tests.append(_column(KEY).eq(value))
    for name, column in shown if wanted.column else ():
        if wanted.column in (ANY_COLUMN, name):
            text = profile.plain_text(_column(column.name), column)
            if "@" in wanted.value:
                tests.append(exp.Lower(this=text).eq(exp.Literal.string(wanted.value.lower())))
            else:
                tests.append(text.eq(value.copy()))
    if keys:
        tests.append(_column(KEY).isin(*(exp.Literal.string(key) for key in sorted(keys))))
    return exp.or_(*tests) if tests else exp.Literal.number(1).eq(0)


def _delete(bench: Desk, table: exp.Table, column: str, keys: Sequence[str], own: exp.Expr | None = None) -> int:
    """Delete rows by key; the number of rows, as far as the system tells it."""
    total = 0
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        chosen = _column(column).isin(*(exp.Literal.string(key) for key in some))
        where = exp.and_(own.copy(), chosen) if own is not None else chosen
        total += max(0, bench.execute(Statement(exp.delete(table.copy()).where(where))))
    return total


def _all_of(table: str) -> Statement:
    return Statement(exp.select(exp.Star()).from_(own_table(table)))


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))
