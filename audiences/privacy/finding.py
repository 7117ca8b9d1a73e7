"""Who somebody is among the rows of a parent model: their keys there, and their addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from audiences.models import Audience, SchemaColumn, SchemaModel
from connectors.access import open_source
from connectors.sdk.errors import ConnectorError
from connectors.sdk.planner import Statement, model_table
from connectors.sdk.types import Column, ColumnType
from governance.privacy.registry import ANY_COLUMN, ANY_KEY, Subject
from syncs.definitions import Definition, first_rows
from syncs.engine import StorageFailed
from syncs.engine.persons import Wanted
from syncs.engine.warehouse.preparation import profile_of
from syncs.models import Sync
from syncs.privacy.looking import held_rows

Check = Callable[[], None]
MOST_ROWS = 1_000
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of somebody among the rows of one parent model; ``problems`` are what could not be asked."""

    keys: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


def key_of(parent: SchemaModel) -> str:
    """The column that histories go by."""
    [key] = parent.primary_key
    return str(key)


def known_of(parent: SchemaModel, subject: Subject, check: Check) -> Known:
    """Look somebody up in the source, and in what the syncs of the parent model's audiences compare with.

    The source is asked, too, as an audience that was never sent has no other copy of its members' values.
    """
    column = subject.scope
    if column not in (ANY_KEY, ANY_COLUMN):
        model_id, _, column = subject.scope.partition(":")
        if not Audience.objects.filter(parent_model=parent, model_id=int(model_id)).exists():
            return Known()
    column = ANY_KEY if column == key_of(parent) else column
    keys, addresses, problems = ({subject.value} if column == ANY_KEY else set()), set(), []
    check()
    try:
        for key, *values in _in_source(parent, subject.value, column):
            keys.add(str(key))
            addresses |= {value for value in values if value and "@" in value}
    except ConnectorError as error:
        problems.append(f"{parent.source} could not be asked for the person ({error.code}).")
    models = Audience.objects.filter(parent_model=parent, model__isnull=False).values("model")
    for sync in Sync.objects.filter(model__in=models).select_related("model__source", "workspace", "last_run"):
        check()
        try:
            rows = held_rows(sync, Wanted(subject.value, column), keys, check)
        except (ConnectorError, StorageFailed):
            continue  # the search of the sync itself says so
        keys |= {row.key for row in rows}
        addresses |= {value for row in rows for value in row.values.values() if value and "@" in value}
    return Known(frozenset(keys), frozenset(addresses), tuple(problems))


def _in_source(parent: SchemaModel, value: str, column: str) -> list[tuple[Any, ...]]:
    """Key and texts of the person's rows. Privacy levels are for people who look: this is about being forgotten."""
    source = open_source(parent.source)
    profile, dialect = profile_of(source), source.definition.dialect
    rows = SchemaColumn.objects.filter(model=parent, missing=False).order_by("pk")
    columns = [Column(row.name, ColumnType(row.type), row.native_type, nullable=row.nullable) for row in rows]
    key = next((each for each in columns if each.name == key_of(parent)), None)
    if key is None:
        return []
    texts = [each for each in columns if each.type is ColumnType.STRING]
    tested = [each for each in texts if column in (ANY_COLUMN, each.name)]
    tests = [_same(each, value) for each in tested]
    if column in (ANY_KEY, ANY_COLUMN):
        tests.append(profile.key(_column(key), key).eq(exp.Literal.string(value)))
    if not tests:
        return []
    outputs = [exp.alias_(profile.text(_column(key), key), "found_key", quoted=True)]
    outputs += [exp.alias_(_column(each), f"text_{place}", quoted=True) for place, each in enumerate(texts)]
    tree = exp.select(*outputs).from_(model_table()).where(exp.or_(*tests)).limit(MOST_ROWS)
    sql = Statement(tree, Definition.of(parent).query(dialect)).sql(dialect)
    return [row for row in first_rows(source, sql, MOST_ROWS, SECONDS) if row[0] is not None]


def _same(column: Column, value: str) -> exp.Expr:
    """Addresses are the same in any letter case, everything else exactly."""
    if "@" not in value:
        return _column(column).eq(exp.Literal.string(value))
    return exp.func("lower", _column(column)).eq(exp.func("lower", exp.Literal.string(value)))


def _column(column: Column) -> exp.Column:
    return exp.column(column.name, quoted=True)
