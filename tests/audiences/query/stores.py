"""The shop's rows in real databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import duckdb
import psycopg
from psycopg import sql

from tests.audiences.query.shop import TYPES

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


class Store(Protocol):
    """A database that holds the shop."""

    dialect: str

    def fill(self, tables: Tables) -> None:
        """Put these rows in the place of the present ones."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """A query's rows."""


class DuckStore:
    """In DuckDB."""

    dialect = "duckdb"

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("SET TimeZone = 'UTC'")
        for name, columns in TYPES.items():
            self.connection.execute(f"CREATE TABLE {name} ({_columns(columns)})")

    def fill(self, tables: Tables) -> None:
        for name, rows in tables.items():
            self.connection.execute(f"DELETE FROM {name}")
            values = [row[each] for row in rows for each in TYPES[name]]
            marks = ", ".join(f"({', '.join('?' * len(TYPES[name]))})" for _ in rows)
            self.connection.execute(f"INSERT INTO {name} VALUES {marks}", values)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


class PostgresStore:
    """In PostgreSQL, in temporary tables."""

    dialect = "postgres"

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute("SET TimeZone = 'UTC'")
        for name, columns in TYPES.items():
            self.connection.execute(f"CREATE TEMP TABLE {name} ({_columns(columns)})")

    def fill(self, tables: Tables) -> None:
        with self.connection.pipeline():
            for name, rows in tables.items():
                self.connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
                marks = sql.SQL(", ").join([sql.Placeholder()] * len(TYPES[name]))
                insert = sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(name), marks)
                self.connection.cursor().executemany(insert, [[row[each] for each in TYPES[name]] for row in rows])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def close(self) -> None:
        self.connection.close()


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
