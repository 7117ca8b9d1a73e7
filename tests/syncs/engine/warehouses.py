"""Warehouses for the engine's tests: the model's data as a table of a real database, with faults on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.duckdb_planner import DuckDBSession
from connectors.sdk.planner import (
    AUDIT_SCHEMA,
    PLANNER_SCHEMA,
    SCHEMAS,
    WarehouseSession,
    WarehouseSource,
    create_columns,
    drop_table,
    own_table,
)
from connectors.sdk.postgres_planner import PostgresSession
from connectors.sources.duckdb import DuckDBSource
from connectors.sources.postgres import PostgresSource
from connectors.sources.redshift import RedshiftSource
from tests.support.duck_files import opened
from tests.syncs.engine.support import Faults

TABLE = "somewhere"


class FaultyDuckDB(DuckDBSource):
    """Dies before or after any statement that writes."""

    faults: Faults

    @contextmanager
    def session(self) -> Iterator[DuckDBSession]:
        with super().session() as session:
            _step_around(session, self.faults)
            yield session


class FaultyPostgres(PostgresSource):
    """Dies before or after any statement that writes."""

    faults: Faults

    @contextmanager
    def session(self) -> Iterator[PostgresSession]:
        with super().session() as session:
            _step_around(session, self.faults)
            yield session


class FaultyRedshift(RedshiftSource):
    """As above; its settings of a session are its own servers' alone."""

    faults: Faults

    def settings(self) -> Mapping[str, str]:
        return {}

    @contextmanager
    def session(self) -> Iterator[PostgresSession]:
        with super().session() as session:
            _step_around(session, self.faults)
            yield session


def _step_around(session: WarehouseSession, faults: Faults) -> None:
    execute = session._execute

    def stepped(sql: str) -> int:
        faults.step()
        rows = execute(sql)
        faults.step()
        return rows

    session._execute = stepped  # type: ignore[method-assign]


@dataclass
class DuckDBWarehouse:
    """A database file in a folder of its own."""

    folder: Path
    faults: Faults = field(default_factory=Faults)
    dialect = "duckdb"

    def __call__(self, data: pa.Table) -> FaultyDuckDB:
        """A source whose one table holds this data."""
        self.run(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT * FROM data", data)
        return self.source()

    def source(self) -> FaultyDuckDB:
        """The source, with its table as it is."""
        source = FaultyDuckDB(
            {"mode": "database", "path": str(self.path)}, Environment(local_roots=(str(self.folder),))
        )
        source.faults = self.faults
        return source

    @property
    def path(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def run(self, sql: str, data: pa.Table | None = None) -> list[tuple[Any, ...]]:
        """A statement of somebody else's."""
        with opened(self.path) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            if data is not None:
                connection.register("data", data)
            return connection.execute(sql).fetchall()

    def tables(self) -> Sequence[str]:
        """What is in the planner schema."""
        sql = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{PLANNER_SCHEMA}' ORDER BY 1"
        return [name for (name,) in self.run(sql)]


@dataclass
class PostgresWarehouse:
    """A database of the test run's own."""

    url: str
    config: dict[str, object]
    faults: Faults = field(default_factory=Faults)
    dialect: str = "postgres"
    opens: type[FaultyPostgres | FaultyRedshift] = FaultyPostgres

    def __call__(self, data: pa.Table) -> FaultyPostgres | FaultyRedshift:
        """A source whose one table holds this data."""
        import adbc_driver_postgresql.dbapi as adbc

        self.run(f"DROP TABLE IF EXISTS {TABLE}")
        with adbc.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest(TABLE, data, mode="create")
            connection.commit()
        return self.source()

    def source(self) -> FaultyPostgres | FaultyRedshift:
        """The source, with its table as it is."""
        source = self.opens(self.config, Environment(outbound_allow=("*",)))
        source.faults = self.faults
        return source

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """A statement of somebody else's."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def tables(self) -> Sequence[str]:
        """What is in the planner schema."""
        sql = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{PLANNER_SCHEMA}' ORDER BY 1"
        return [name for (name,) in self.run(sql)]

    def empty(self) -> None:
        """Everything gone, and the two schemas made anew."""
        for schema in SCHEMAS:
            self.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            self.run(f"CREATE SCHEMA {schema}")
        self.run(f"DROP TABLE IF EXISTS {TABLE}")


@dataclass
class HostedWarehouse:
    """A warehouse behind a protocol, into which everything goes by the door that Headrace itself uses."""

    opened: WarehouseSource

    @property
    def dialect(self) -> str:
        return self.opened.definition.dialect

    def __call__(self, data: pa.Table) -> WarehouseSource:
        """A source whose one table holds this data."""
        with self.opened.session() as session:
            fill(session, TABLE, data)
        return self.opened

    def empty(self) -> None:
        """No table is left of runs before."""
        with self.opened.session() as session:
            for name in session.tables(""):
                session.execute(drop_table(name))


def fill(session: WarehouseSession, name: str, data: pa.Table) -> None:
    """Make a table of this data in the schema of logs."""
    session.execute(drop_table(name, AUDIT_SCHEMA))
    columns = dict(zip(data.schema.names, data.schema.types, strict=True))
    session.execute(create_columns(name, columns, AUDIT_SCHEMA))
    session.load(name, data.to_reader(), AUDIT_SCHEMA)


def whole(name: str, dialect: str) -> str:
    """A model of all that such a table holds."""
    return exp.select("*").from_(own_table(name, AUDIT_SCHEMA)).sql(dialect=dialect)


Warehouse = DuckDBWarehouse | PostgresWarehouse | HostedWarehouse
