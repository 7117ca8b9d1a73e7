"""Writing into Headrace's schemas where only statements lead in: rows go as literals, each commits by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar, Protocol

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.errors import AuthError, ConfigError, ConnectorError
from connectors.sdk.insertion import Insertion
from connectors.sdk.planner import PLANNER_SCHEMA, Statement, WarehouseSession, WarehouseSource, own_table
from connectors.sdk.source import RowStream
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.types import Column

Query = Callable[[str, int], AbstractContextManager[RowStream]]
Describe = Callable[[str], Sequence[Column]]


class Connected(Protocol):
    """A connection whose statements are SQL; its methods raise typed errors."""

    def run(self, sql: str) -> int:
        """Run a statement; the rows it touched, -1 where unknown."""

    def small(self, sql: str) -> Sequence[Sequence[Any]]:
        """All rows of a query that has few."""

    def cancel(self) -> None:
        """Stop what runs."""


class PlainSession(WarehouseSession):
    """Statements of one connection. ``insertion`` is how it takes rows, ``grants`` what gives a right that lacks."""

    insertion: ClassVar[Insertion]
    grants: ClassVar[str] = "Grant what the set-up SQL of this source grants on both schemas."

    def __init__(self, connection: Connected, dialect: str, query: Query, describe: Describe) -> None:
        self._connection = connection
        self.dialect = dialect
        self._query = query
        self._describe = describe

    def describe(self, query: Statement) -> Sequence[Column]:
        """The columns of a query, asked on a connection that reads."""
        return self._describe(query.sql(self.dialect))

    def query(self, query: Statement, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        """A query's rows, on a connection that reads."""
        return self._query(query.sql(self.dialect), batch_rows)

    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """INSERT with many rows a statement."""
        return self._insert(self.insertion, own_table(name, schema), batches)

    def _insert(self, insertion: Insertion, target: exp.Table, batches: pa.RecordBatchReader) -> int:
        rows = 0
        for sql, number in insertion.statements(target, batches):
            self._execute(sql)
            rows += number
        return rows

    def transaction(self) -> AbstractContextManager[None]:
        """Each statement by itself."""
        return nullcontext()

    def cancel(self) -> None:
        """Stop the statement that runs."""
        self._connection.cancel()

    def _execute(self, sql: str) -> int:
        with self._translating():
            return self._connection.run(sql)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._translating():
            return [tuple(row) for row in self._connection.small(sql)]

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """A refusal with what gives the right, or makes the schema, that is missing."""
        try:
            yield
        except AuthError as error:
            raise AuthError(error.message, hint=self.grants) from error
        except ConnectorError as error:
            if not self._lacks_schema(error.message.lower()):
                raise
            hint = "Create the two schemas with the set-up SQL of this source."
            raise ConfigError(error.message, hint=hint) from error

    def _lacks_schema(self, words: str) -> bool:
        return "headrace_" in words and "schema" in words and any(w in words for w in ("not exist", "not_found"))


class PlainWarehouse(SqlSource, WarehouseSource):
    """A source whose sessions for writing are of the class ``writing``."""

    writing: ClassVar[type[PlainSession]]

    @contextmanager
    def session(self) -> Iterator[WarehouseSession]:
        """A connection that may write into Headrace's schemas."""
        with self._writing() as connection:
            yield self.writing(connection, self.dialect, self._query_batches, self.describe)

    def _writing(self) -> AbstractContextManager[Connected]:
        """A connection for writing; as those that read, where nothing of theirs forbids it."""
        return self._connect()

    def _query_batches(self, sql: str, batch_rows: int) -> AbstractContextManager[RowStream]:
        return self.query(sql, batch_rows=batch_rows)
