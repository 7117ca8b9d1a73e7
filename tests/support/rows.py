"""Emptying the test database after a test that commits, and filling it again, in one call each.

Django's own flush truncates every table: with many tables that takes longer than most
tests. Here only tables that have rows are touched, children first. Both are functions of the database itself,
whose statements it plans once; the tests' connection stays open between tests for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter

import psycopg
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

from workspaces.scoping import unscoped

# Filled by migrations and only read afterwards.
KEPT = ("django_migrations", "django_content_type", "auth_permission")
# Filled and emptied with the rows of another table, by the database itself.
FOLLOWING = ("audit_entrywords",)
# Where the functions are: beside the schema that is tested.
_SCHEMA = "of_tests"
_TABLES = """
SELECT c.relname, coalesce(array_agg(DISTINCT p.relname) FILTER (WHERE p.relname <> c.relname), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' LEFT JOIN pg_class p ON p.oid = f.confrelid
WHERE n.nspname = 'public' AND c.relkind = 'r' GROUP BY 1
"""
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
_FUNCTION = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE OR REPLACE FUNCTION {schema}.{name}() RETURNS void LANGUAGE plpgsql AS $of_tests$ BEGIN {body} END $of_tests$
"""
_DELETE = "IF EXISTS (SELECT FROM {0}) THEN DELETE FROM {0}; END IF;"
_INSERT = "INSERT INTO {0} ({1}) SELECT {1} FROM json_populate_recordset(NULL::{0}, {2});"
# A database that did not make these rows has yet to count past them.
_COUNT_PAST = """
PERFORM setval(counter, greatest(nextval(counter), (SELECT max(id) FROM {1})))
FROM (SELECT pg_get_serial_sequence({0}, 'id') AS counter) c WHERE counter IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the columns that can be written."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows that there were, each as JSON, by table; ``name`` is what they are called."""

    name: str
    rows: tuple[tuple[Table, tuple[str, ...]], ...]


class Rows:
    """The tables of the test database, parents before children."""

    def __init__(self) -> None:
        self._known: set[tuple[object, str]] = set()
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
            parents = {name: set(referred) for name, referred in cursor.fetchall()}
            names = [name for name in _ordered(parents) if name not in KEPT + FOLLOWING]
            self._tables = []
            for name in names:
                cursor.execute(_COLUMNS, [f'public."{name}"'])
                self._tables.append(Table(name, tuple(column for (column,) in cursor.fetchall())))

    def delete_all(self) -> None:
        """Delete every row that a test left."""
        with unscoped("tests leave nothing behind"), transaction.atomic():
            self._delete()

    def take(self, name: str, after: Sequence[Taken] = ()) -> Taken:
        """All rows there are, or those that came after others, which must be as they were."""
        known: dict[str, set[str]] = {}
        for table, rows in (part for taken in after for part in taken.rows):
            known.setdefault(table.name, set()).update(rows)
        with unscoped("rows of every workspace are kept for the next test"), connection.cursor() as cursor:
            found = []
            for table in self._tables:
                cursor.execute(sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(sql.Identifier(table.name)))
                present, old = [row for (row,) in cursor.fetchall()], known.get(table.name, set())
                if changed := old.difference(present):
                    raise ValueError(f"rows of {table.name} are no longer what they were: {sorted(changed)}")
                if new := tuple(row for row in present if row not in old):
                    found.append((table, new))
            return Taken(name, tuple(found))

    def put(self, taken: Taken) -> None:
        """Insert rows that were taken from an equal database, into an empty one."""
        with unscoped("rows of every workspace come back"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT EXISTS (SELECT FROM audit_auditentry)")
                left = cursor.fetchone() == (True,)
            if left:  # a server that was ending wrote after the rows were deleted
                self._delete()
            self._insert(taken)

    def add(self, taken: Taken) -> None:
        """Insert rows that came after others, where those others are."""
        with unscoped("rows of every workspace come back"), transaction.atomic():
            self._insert(taken)

    def _insert(self, taken: Taken) -> None:
        self._call(f"put_{taken.name}", lambda: map(_inserted, taken.rows))

    def _delete(self) -> None:
        deleted = sql.SQL(_DELETE)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED; SET LOCAL headrace.retention = 'on'")
            self._call("delete_all", lambda: [deleted.format(sql.Identifier(t.name)) for t in reversed(self._tables)])
            cursor.execute("SET LOCAL headrace.retention = 'off'")

    def _call(self, name: str, body: Callable[[], Iterable[sql.Composable]]) -> None:
        """Call this function of the database, which is made where there is none yet."""
        place = {"schema": sql.Identifier(_SCHEMA), "name": sql.Identifier(name)}
        if (known := (connection.settings_dict["NAME"], name)) not in self._known:
            # By itself: what a test's own transaction makes is undone with it.
            with psycopg.connect(**connection.get_connection_params(), autocommit=True) as alone:
                alone.execute(sql.SQL(_FUNCTION).format(body=sql.SQL("").join(body()), **place))
            self._known.add(known)
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT {schema}.{name}()").format(**place))


def _inserted(taken: tuple[Table, tuple[str, ...]]) -> sql.Composable:
    table, rows = taken
    name, columns = sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    insert = sql.SQL(_INSERT).format(name, columns, sql.Literal(f"[{','.join(rows)}]"))
    if "id" not in table.columns:
        return insert
    return insert + sql.SQL(_COUNT_PAST).format(sql.Literal(str(table.name)), name)


def _ordered(parents: dict[str, set[str]]) -> list[str]:
    """Parents first; where tables refer to each other in a ring, constraints wait for the end anyway."""
    while True:
        try:
            return list(TopologicalSorter(parents).static_order())
        except CycleError as error:
            child, parent = error.args[1][1], error.args[1][0]
            parents[child].discard(parent)


@cache
def database_rows() -> Rows:
    """Those of the test database; every one of this process has the same tables."""
    return Rows()


def empty_quickly() -> None:
    """Take the place of Django's flush after a test that commits, and keep its connection for the next test."""
    rows = database_rows()
    TransactionTestCase._fixture_teardown = lambda case: rows.delete_all()  # type: ignore[attr-defined]  # the stubs
    TransactionTestCase._should_reload_connections = lambda case: False  # type: ignore[attr-defined]  # leave both out
