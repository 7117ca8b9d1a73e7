"""Writing into Headrace's schemas of a DuckDB file: the one writer that the file may have at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.duckdb_reader import DuckDBStream, Layout, Session, open_duckdb, translated
from connectors.sdk.duckdb_types import DIALECT
from connectors.sdk.errors import QueryError
from connectors.sdk.planner import PLANNER_SCHEMA, SCHEMAS, Statement, WarehouseSession, own_table
from connectors.sdk.types import Column

_LOADED = "headrace_loaded"


class DuckDBSession(WarehouseSession):
    """Reading and writing share the one connection: nobody else can have the file open meanwhile."""

    dialect = DIALECT

    def __init__(self, connection: duckdb.DuckDBPyConnection, reader: Session) -> None:
        self._connection = connection
        self._reader = reader

    def describe(self, query: Statement) -> Sequence[Column]:
        """The columns of a query; nothing is run."""
        return self._reader.columns(query.sql(DIALECT))

    @contextmanager
    def query(self, query: Statement, *, batch_rows: int = 50_000) -> Iterator[DuckDBStream]:
        """A query's rows, each column read without loss."""
        yield self._reader.stream(query.sql(DIALECT), batch_rows)

    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """INSERT from the Arrow stream, by column name."""
        columns = [exp.to_identifier(n, quoted=True) for n in batches.schema.names]
        target = exp.Schema(this=own_table(name, schema), expressions=columns)
        rows = exp.select(*(exp.column(column.copy()) for column in columns)).from_(_LOADED)
        self._connection.register(_LOADED, batches)
        try:
            return self.execute(Statement(exp.Insert(this=target, expression=rows)))
        finally:
            self._connection.unregister(_LOADED)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction over several statements."""
        self._execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def cancel(self) -> None:
        """Interrupt the running statement."""
        self._connection.interrupt()

    def _execute(self, sql: str) -> int:
        try:
            if len(self._connection.extract_statements(sql)) != 1:
                raise QueryError("Only one statement is allowed.")
            found = self._connection.execute(sql).fetchone()
        except duckdb.Error as error:
            raise translated(error) from error
        return int(found[0]) if found and isinstance(found[0], int) else -1

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise translated(error) from error


@contextmanager
def open_writer(database: Path, environment: Environment, beside: Path | None = None) -> Iterator[DuckDBSession]:
    """The file's writer, with both schemas in place; waits a while for whoever has the file open.

    With a file ``beside`` the database is only read, and the schemas are there.
    """
    layout = Layout(database=database, beside=beside)
    with open_duckdb(layout, environment, writing=True) as connection:
        session = DuckDBSession(connection, Session(connection, layout))
        for schema in () if beside else SCHEMAS:
            name = exp.to_identifier(schema, quoted=True).sql(dialect=DIALECT)
            session._execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        yield session
