"""What every source with SQL behind a driver does the same way, around the few things that differ."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pyarrow as pa

from connectors.sdk import arrow
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConnectorError
from connectors.sdk.readings import Described, Stream, schema_of, select_described
from connectors.sdk.source import Source
from connectors.sdk.sql import check_read_only, table_sql
from connectors.sdk.types import Column, Table


class SqlSource(Source):
    """Subclasses open connections that only read, list tables, look at a query's columns and fetch its rows.

    ``failures`` are the driver's exceptions; :meth:`_told` makes ours of them.
    """

    failures: tuple[type[Exception], ...] = ()

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self.dialect = self.definition.dialect

    def check(self) -> None:
        """Log in and find something to read."""
        if not self.tables():
            raise AuthError(
                "Connected, but there is no table that this user may read.",
                hint="Grant the user reading rights on the tables, with the SQL that this page shows.",
            )

    def tables(self) -> Sequence[Table]:
        """Tables and views that the credentials can read."""
        with self._opened() as connection:
            return self._tables(connection)

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        return self.describe(table_sql(table, self.dialect))

    def describe(self, sql: str) -> Sequence[Column]:
        """The columns of a query."""
        return [d.column for d in self._described(sql)]

    @contextmanager
    def query(self, sql: str, *, batch_rows: int = 50_000) -> Iterator[Stream]:
        """A query's rows as Arrow batches."""
        described = self._described(sql)
        wrapped = select_described(sql, described, self.dialect)
        schema = schema_of(described)
        with self._reading() as connection:

            def run() -> Iterator[pa.RecordBatch]:
                try:
                    yield from self._rows(connection, wrapped, schema, batch_rows)
                except self.failures as error:
                    raise self._told(error) from error

            try:
                yield Stream(schema, run, lambda: self._cancel(connection))
            finally:
                # A reader that stopped early must not wait for the rest of the result.
                self._leave(connection)

    def _described(self, sql: str) -> Sequence[Described]:
        check_read_only(sql, self.dialect)
        with self._opened() as connection:
            found = self._look(connection, sql)
        arrow.check_names(d.column.name for d in found)
        return found

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """A connection for a query's rows. What its reader raises meanwhile is the reader's own."""
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self._connect())
            except self.failures as error:
                raise self._told(error) from error
            yield connection

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        with self._connect() as connection:
            try:
                yield connection
            except self.failures as error:
                raise self._told(error) from error

    @abstractmethod
    def _connect(self) -> AbstractContextManager[Any]:
        """A connection whose session only reads, within its time limit; raises typed errors."""

    @abstractmethod
    def _tables(self, connection: Any) -> Sequence[Table]:
        """What there is to read, without Headrace's own schemas."""

    @abstractmethod
    def _look(self, connection: Any, sql: str) -> Sequence[Described]:
        """The columns of a query and how each is read; nothing is run."""

    @abstractmethod
    def _rows(self, connection: Any, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Run the query and hand out its rows as the schema says, in batches of at most ``batch_rows``."""

    @abstractmethod
    def _cancel(self, connection: Any) -> None:
        """Stop what the connection runs, on the server; safe from another thread, and where nothing runs."""

    @abstractmethod
    def _told(self, error: Exception) -> ConnectorError:
        """The driver's error as one of ours, in the server's own words."""

    def _leave(self, connection: Any) -> None:
        """Let go of a result, read to its end or not."""
        self._cancel(connection)
