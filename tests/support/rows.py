"""Emptying the test database after a test that commits, and filling it again, in one statement each.

Django's own flush truncates every table: with many tables that takes longer than most
tests. Here only tables that have rows are touched, children first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter

from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

from workspaces.scoping import unscoped

# Filled by migrations and only read afterwards.
KEPT = ("django_migrations", "django_content_type", "auth_permission")
# Filled and emptied with the rows of another table, by the database itself.
FOLLOWING = ("audit_entrywords",)
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
_COUNT_PAST = """
SELECT setval(counter, greatest(nextval(counter), (SELECT max(id) FROM {1})))
FROM (SELECT pg_get_serial_sequence({0}, 'id') AS counter) c WHERE counter IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the columns that can be written."""

    name: str
    columns: tuple[str, ...]


class Rows:
    """The tables of the test database, parents before children."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
            parents = {name: set(referred) for name, referred in cursor.fetchall()}
            names = [name for name in _ordered(parents) if name not in KEPT + FOLLOWING]
            self._tables = []
            for name in names:
                cursor.execute(_COLUMNS, [f'public."{name}"'])
                self._tables.append(Table(name, tuple(column for (column,) in cursor.fetchall())))
        self._delete = "".join(f'DELETE FROM "{table.name}";' for table in reversed(self._tables))

    def delete_all(self) -> None:
        """Delete every row that a test left."""
        with unscoped("tests leave nothing behind"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED; SET LOCAL headrace.retention = 'on';" + self._delete)

    def take(self) -> list[tuple[Table, str]]:
        """All rows there are, as JSON by table."""
        with unscoped("rows of every workspace are kept for the next test"), connection.cursor() as cursor:
            found = []
            for table in self._tables:
                name = sql.Identifier(table.name)
                cursor.execute(sql.SQL("SELECT json_agg(t)::text FROM {} t").format(name))
                if (rows := cursor.fetchone()) and rows[0]:
                    found.append((table, rows[0]))
            return found

    def put(self, taken: list[tuple[Table, str]]) -> None:
        """Insert rows that were taken from an equal database."""
        with unscoped("rows of every workspace come back"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM audit_auditentry)")
            if cursor.fetchone() == (True,):  # a server that was ending wrote after the rows were deleted
                cursor.execute("SET LOCAL headrace.retention = 'on';" + self._delete)
                cursor.execute("SET LOCAL headrace.retention = 'off'")
            statements = []
            for table, rows in taken:
                columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
                insert = "INSERT INTO {} ({}) SELECT {} FROM json_populate_recordset(NULL::{}, {})"
                name = sql.Identifier(table.name)
                statements.append(sql.SQL(insert).format(name, columns, columns, name, sql.Literal(rows)))
                if "id" in table.columns:  # a database that did not make these rows has yet to count past them
                    statements.append(sql.SQL(_COUNT_PAST).format(sql.Literal(str(table.name)), name))
            cursor.execute(sql.SQL(";").join(statements))


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


def quick_teardown() -> Callable[[TransactionTestCase], None]:
    """What takes the place of Django's flush after a test that commits."""
    rows = database_rows()
    return lambda case: rows.delete_all()
