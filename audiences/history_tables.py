"""The tables that hold the history of audiences: in the warehouse, or file by file with the same columns.

Their columns are those that queries and dashboards for such logs already know; ``workspace`` is the one more, for
warehouses that several workspaces share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlglot import exp

from connectors.sdk.planner import AUDIT_SCHEMA, PLANNER_SCHEMA, Statement, model_table, own_table
from connectors.sdk.types import Column
from syncs.engine.logs.membership import GROUP, ROW
from syncs.engine.logs.tables import Kind, LogColumn, LogTable
from syncs.engine.warehouse.profile import Profile


@dataclass(frozen=True, slots=True)
class HistoryTable(LogTable):
    """A table in either of Headrace's schemas; ``audience`` is the column that says whose the row is."""

    schema: str = AUDIT_SCHEMA
    row: str = "ht_row_id"
    audience: str = "ht_audience_id"

    def expression(self) -> exp.Table:
        """The table's name for a statement."""
        return own_table(self.name, self.schema)


_WORKSPACE = LogColumn("workspace", Kind.TEXT, "Which Headrace workspace wrote the row.")
_ROW = LogColumn("ht_row_id", Kind.TEXT, "The primary key of the member, as text.")
_AUDIENCE = LogColumn("ht_audience_id", Kind.TEXT, "The id of the audience.")
_GROUP = LogColumn("ht_split_group", Kind.TEXT, "The id of the member's experiment group; empty without an experiment.")

MEMBERSHIP = HistoryTable(
    "audience_membership",
    "Who entered and left which audience, and when: first every member, then changes.",
    (
        _ROW,
        _AUDIENCE,
        LogColumn("ht_timestamp", Kind.MOMENT, "When the snapshot was taken that found it."),
        LogColumn("ht_event_type", Kind.TEXT, "enter or exit. A change of group is one of each."),
        _GROUP,
        _WORKSPACE,
    ),
    key="",
    schema=PLANNER_SCHEMA,
)

SYNCED = HistoryTable(
    "audience_synced",
    "Which members of an audience with an experiment a run added at its destination: the earliest is the first sync.",
    (
        _ROW,
        _AUDIENCE,
        LogColumn("sync_id", Kind.NUMBER, "The id of the sync."),
        LogColumn("sync_run_id", Kind.NUMBER, "The id of the run."),
        LogColumn("ht_timestamp", Kind.MOMENT, "When the run ended."),
        _WORKSPACE,
    ),
    key="sync_run_id",
    schema=PLANNER_SCHEMA,
)

HOLDOUT = HistoryTable(
    "audience_holdout",
    "Rows that a run did not get because they are in another group of the experiment.",
    (
        LogColumn("sync_id", Kind.NUMBER, "The id of the sync."),
        LogColumn("sync_run_id", Kind.NUMBER, "The id of the run."),
        LogColumn("model_id", Kind.NUMBER, "The id of the audience."),
        LogColumn("timestamp", Kind.MOMENT, "When the run ended."),
        LogColumn("row_id", Kind.TEXT, "The primary key of the row, as text."),
        LogColumn("fields", Kind.JSON, "The row's values of the columns that the sync reads."),
        LogColumn("split_group", Kind.TEXT, "The name of the experiment group."),
        _WORKSPACE,
    ),
    key="sync_run_id",
    row="row_id",
    audience="model_id",
)

TABLES = (MEMBERSHIP, SYNCED, HOLDOUT)
EVENT = "event"
_NOW, _KNOWN = "is_now", "was_known"


def members_at(table: exp.Expr, audience_id: int, workspace: str, at: datetime | None = None) -> exp.Select:
    """Who was in an audience at a moment, or is by its newest snapshot: the columns ``row_id`` and ``split_group``.

    Entries are added up, so that their order at one moment does not matter.
    """
    row, group = exp.column("ht_row_id", quoted=True), exp.column("ht_split_group", quoted=True)
    named = [exp.alias_(row, "row_id", quoted=True), exp.alias_(group, "split_group", quoted=True)]
    found = exp.select(*named).from_(table).where(_of("ht_audience_id", str(audience_id)), _of("workspace", workspace))
    if at is not None:
        found = found.where(exp.column("ht_timestamp", quoted=True) <= moment(at))
    return found.group_by(row.copy(), group.copy()).having(exp.Sum(this=_entered()) > 0)


@dataclass(frozen=True, slots=True)
class Paging:
    """Entries of one audience in the order of columns that tell each from the others, from behind a place on.

    ``after`` is the place: values of those columns; none at the beginning. ``rows`` asks for those of these keys alone.
    """

    log: HistoryTable
    order: tuple[str, ...]
    more: tuple[str, ...] = ()
    after: Sequence[Any] = ()
    most: int = 100
    rows: tuple[str, ...] = ()

    def query(self, table: exp.Expr, profile: Profile, audience_id: int, workspace: str) -> exp.Select:
        """The query over the table, wherever it is: one row more than asked for says that there are more."""
        columns = [_column(name) for name in (*self.order, *self.more)]
        found = exp.select(*columns).from_(table).where(of_audience(self.log, audience_id, workspace))
        if self.rows:
            found = found.where(_column(self.log.row).isin(*(exp.Literal.string(row) for row in self.rows)))
        keys = [self._key(name, profile) for name in self.order]
        if self.after:
            found = found.where(self._behind(keys))
        return found.order_by(*keys).limit(self.most + 1)

    def _behind(self, keys: Sequence[exp.Expr]) -> exp.Expr:
        places = [self._literal(name, value) for name, value in zip(self.order, self.after, strict=True)]
        cases = []
        for number, (key, place) in enumerate(zip(keys, places, strict=True)):
            same = [k.copy().eq(p.copy()) for k, p in zip(keys[:number], places[:number], strict=True)]
            cases.append(exp.and_(*same, exp.GT(this=key.copy(), expression=place.copy())))
        return exp.or_(*cases)

    def _kind(self, name: str) -> Kind:
        return next(column.kind for column in self.log.columns if column.name == name)

    def _key(self, name: str, profile: Profile) -> exp.Expr:
        if self._kind(name) is not Kind.TEXT:
            return _column(name)
        return profile.collate(exp.func("coalesce", _column(name), exp.Literal.string("")))

    def _literal(self, name: str, value: Any) -> exp.Expr:
        kind = self._kind(name)
        if kind is Kind.MOMENT:
            return moment(datetime.fromisoformat(value))
        return exp.Literal.number(int(value)) if kind is Kind.NUMBER else exp.Literal.string(str(value or ""))


def members_after(
    table: exp.Expr, profile: Profile, audience_id: int, workspace: str, at: datetime | None, after: str, most: int
) -> exp.Select:
    """As :func:`members_at`, by key, from behind a key on: one row more than asked for says that there are more."""
    members = members_at(table, audience_id, workspace, at).subquery("members")
    key = profile.collate(_column(ROW))
    found = exp.select(_column(ROW), _column(GROUP)).from_(members)
    if after:
        found = found.where(exp.GT(this=key.copy(), expression=exp.Literal.string(after)))
    return found.order_by(key).limit(most + 1)


def changes_table(
    name: str, profile: Profile, key: Column, members: str, audience_id: int, workspace: str, *, grouped: bool
) -> Statement:
    """A table of who entered and who left: the columns ``row_id``, ``event`` and ``split_group``.

    ``members`` is the query of the members now, whose key is ``row_id``; ``grouped`` says that it has their groups.
    One pass over them and the history, grouped, finds all differences: no join has to be planned.
    """
    group = _column(GROUP) if grouped else exp.null()
    now = exp.select(
        exp.alias_(profile.key(_column(ROW), key), ROW, quoted=True),
        exp.alias_(profile.collate(profile.plain_text(group)), GROUP, quoted=True),
        *_numbers(exp.Literal.number(1), exp.Literal.number(0)),
    )
    now = now.from_(model_table()).where(_column(ROW).is_(exp.null()).not_()).distinct()
    known = exp.select(
        exp.alias_(profile.collate(_column("ht_row_id")), ROW, quoted=True),
        exp.alias_(profile.collate(_column("ht_split_group")), GROUP, quoted=True),
        *_numbers(exp.Literal.number(0), _entered()),
    )
    known = known.from_(MEMBERSHIP.expression()).where(of_audience(MEMBERSHIP, audience_id, workspace))
    sums = [
        exp.alias_(exp.Sum(this=_column(_NOW)), _NOW, quoted=True),
        exp.alias_(_one_if(exp.Sum(this=_column(_KNOWN)) > 0), _KNOWN, quoted=True),
    ]
    sides = exp.union(now, known, distinct=False).subquery("sides")
    found = exp.select(_column(ROW), _column(GROUP), *sums).from_(sides).group_by(_column(ROW), _column(GROUP))
    enters = exp.If(this=_column(_NOW) > _column(_KNOWN), true=exp.Literal.string("enter"))
    event = exp.Case(ifs=[enters], default=exp.Literal.string("exit"))
    columns = [_column(ROW), exp.alias_(event, EVENT, quoted=True), _column(GROUP)]
    differs = _column(_NOW).neq(_column(_KNOWN))
    query = exp.select(*columns).from_(found.subquery("found")).where(differs)
    tree = exp.Create(this=own_table(name), kind="TABLE", expression=query, properties=profile.properties())
    return Statement(tree, members, table_options=profile.table_options)


def entering(name: str) -> Statement:
    """The keys of those who enter, by a table of changes."""
    enters = _column(EVENT).eq(exp.Literal.string("enter"))
    return Statement(exp.select(_column(ROW)).from_(own_table(name)).where(enters))


def written_changes(name: str, audience_id: int, workspace: str, at: datetime) -> Statement:
    """Add a table of changes to the history."""
    given = {
        "ht_row_id": _column(ROW),
        "ht_audience_id": exp.Literal.string(str(audience_id)),
        "ht_timestamp": moment(at),
        "ht_event_type": _column(EVENT),
        "ht_split_group": _column(GROUP),
        "workspace": exp.Literal.string(workspace),
    }
    found = exp.select(*given.values()).from_(own_table(name))
    columns = [exp.to_identifier(column, quoted=True) for column in given]
    return Statement(exp.insert(found, MEMBERSHIP.expression(), columns=columns))


def changes_at(audience_id: int, workspace: str, at: datetime) -> Statement:
    """How many entered and left at a moment, by the event."""
    there = exp.column("ht_timestamp", quoted=True).eq(moment(at))
    counted = exp.select(_column("ht_event_type"), exp.Count(this=exp.Star())).from_(MEMBERSHIP.expression())
    own = of_audience(MEMBERSHIP, audience_id, workspace)
    return Statement(counted.where(own, there).group_by(_column("ht_event_type")))


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _entered() -> exp.Expr:
    """One for an entry, minus one for an exit."""
    enters = _column("ht_event_type").eq(exp.Literal.string("enter"))
    return exp.Case(ifs=[exp.If(this=enters, true=exp.Literal.number(1))], default=exp.Literal.number(-1))


def _one_if(condition: exp.Expr) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=condition, true=exp.Literal.number(1))], default=exp.Literal.number(0))


def _numbers(now: exp.Expr, known: exp.Expr) -> list[exp.Expr]:
    return [exp.alias_(now, _NOW, quoted=True), exp.alias_(known, _KNOWN, quoted=True)]


def moment(at: datetime) -> exp.Expr:
    """A moment as a literal."""
    return exp.cast(exp.Literal.string(at.isoformat()), "timestamptz")


def of_audience(table: HistoryTable, audience_id: int, workspace: str) -> exp.Expr:
    """The condition of an audience's rows."""
    kind = next(column.kind for column in table.columns if column.name == table.audience)
    number = exp.Literal.number(audience_id) if kind is Kind.NUMBER else exp.Literal.string(str(audience_id))
    own = exp.column(table.audience, quoted=True).eq(number)
    return exp.and_(own, _of("workspace", workspace))


def _of(name: str, value: str) -> exp.Expr:
    return exp.column(name, quoted=True).eq(exp.Literal.string(value))
