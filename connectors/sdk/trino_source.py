"""What engines of Trino's family share as sources: columns without running a query, and where an error stands."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from connectors.sdk.errors import ConnectorError, QueryError
from connectors.sdk.readings import Described
from connectors.sdk.sql import bare, limit_rows, table_sql
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.trino_types import described
from connectors.sdk.types import Column, Table


class Planning(Protocol):
    """A session that can tell the columns of a query."""

    def columns(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """``name`` and ``type`` of each."""

    def cancel(self) -> None:
        """Stop what runs."""


def in_batches(pages: Iterable[list[list[Any]]], batch_rows: int) -> Iterator[list[list[Any]]]:
    """Rows that come page by page, so many at a time."""
    kept: list[list[Any]] = []
    for rows in pages:
        kept += rows
        while len(kept) >= batch_rows:
            yield kept[:batch_rows]
            kept = kept[batch_rows:]
    if kept:
        yield kept


class TrinoFamilySource(SqlSource):
    """A model stands inside a SELECT, which never writes."""

    failures = (pa.ArrowException,)

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        whole = table_sql(table, self.dialect)
        with self._opened() as session:
            comments = self._comments(session, table)
            found = session.columns(limit_rows(whole, 0, self.dialect))
        return [described(column, comments.get(column["name"]) or "").column for column in found]

    @abstractmethod
    def _comments(self, session: Any, table: Table) -> Mapping[str, str | None]:
        """What is said about a table's columns."""

    def _look(self, connection: Planning, sql: str) -> Sequence[Described]:
        try:
            # Planned and not read: a limit of nothing is answered by the planner itself.
            return [described(column) for column in connection.columns(limit_rows(sql, 0, self.dialect))]
        except QueryError as error:
            error.position = None if error.position is None else self._place(error.position, sql)
            raise

    def _place(self, found: int, sql: str) -> int | None:
        """The place in the model itself of one in the query around it."""
        asked = bare(sql, self.dialect)
        found -= limit_rows(sql, 0, self.dialect).find(asked)
        return found if 0 <= found <= len(asked) else None

    def _cancel(self, connection: Planning) -> None:
        connection.cancel()

    def _told(self, error: Exception) -> ConnectorError:
        return QueryError(str(error))
