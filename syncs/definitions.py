"""How a model names its rows, the SQL that stands for it, and what the source says about its columns."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from config.errors import Invalid
from connectors.access import open_source
from connectors.models import Source
from connectors.sdk.errors import ConnectorError, QueryError
from connectors.sdk.source import RowStream
from connectors.sdk.source import Source as OpenSource
from connectors.sdk.sql import check_read_only, count_rows, limit_rows, table_sql
from connectors.sdk.types import Column, Table
from syncs.choices import ModelMethod

PREVIEW_ROWS = 100
PREVIEW_MAX_ROWS = 5_000
PREVIEW_SECONDS = 60.0


class Defined(Protocol):
    """A saved row that says how it names its rows."""

    method: str
    sql: str
    table_schema: str
    table_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A SQL query, or a table or view by schema and name."""

    method: ModelMethod
    sql: str = ""
    table_schema: str = ""
    table_name: str = ""

    @classmethod
    def of(cls, model: Defined) -> Definition:
        """The definition of a saved model."""
        return cls(
            method=ModelMethod(model.method),
            sql=model.sql,
            table_schema=model.table_schema,
            table_name=model.table_name,
        )

    @classmethod
    def parse(cls, *, method: str, sql: str = "", table_schema: str = "", table_name: str = "") -> Definition:
        """A definition from input; raises :class:`Invalid` where it says too little."""
        if method == ModelMethod.SQL:
            if not sql.strip():
                raise Invalid.field("sql", "Write the query.")
            return cls(method=ModelMethod.SQL, sql=sql.strip())
        if method == ModelMethod.TABLE:
            if not table_name:
                raise Invalid.field("table_name", "Choose a table or view.")
            return cls(method=ModelMethod.TABLE, table_schema=table_schema, table_name=table_name)
        raise Invalid.field("method", "Choose a SQL query or a table.")

    def query(self, dialect: str) -> str:
        """The SQL that returns the model's rows: the person's own words, or a plain select from the table."""
        if self.method is ModelMethod.SQL:
            return self.sql
        return table_sql(Table(self.table_schema, self.table_name), dialect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The first rows of a query. ``rows`` is ``None`` for those who may only see columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...] | None
    more: bool = False
    row_count: int | None = None


def describe(source: Source, definition: Definition) -> tuple[Column, ...]:
    """The columns that the source says a definition returns; raises :class:`Invalid` with its own words."""
    opened = open_source(source)
    with _as_invalid():
        columns = tuple(opened.describe(_checked(opened, definition)))
    _require_usable(columns)
    return columns


def preview(source: Source, definition: Definition, *, limit: int = PREVIEW_ROWS, with_count: bool = False) -> Preview:
    """The first rows with their columns, within :data:`PREVIEW_SECONDS`."""
    limit = max(1, min(limit, PREVIEW_MAX_ROWS))
    opened = open_source(source)
    with _as_invalid():
        sql = _checked(opened, definition)
        columns = tuple(opened.describe(sql))
        rows = first_rows(opened, limit_rows(sql, limit + 1, opened.definition.dialect), limit + 1)
        count = _count(opened, sql) if with_count else None
    _require_usable(columns)
    return Preview(columns=columns, rows=tuple(rows[:limit]), more=len(rows) > limit, row_count=count)


def _checked(opened: OpenSource, definition: Definition) -> str:
    """The SQL to run, refused where it is not one reading statement."""
    sql = definition.query(opened.definition.dialect)
    if definition.method is ModelMethod.SQL:
        check_read_only(sql, opened.definition.dialect)
    return sql


def first_rows(opened: OpenSource, sql: str, limit: int, seconds: float = PREVIEW_SECONDS) -> list[tuple[Any, ...]]:
    """The first rows of any query, within a time."""
    rows: list[tuple[Any, ...]] = []
    with opened.query(sql, batch_rows=limit) as stream, _time_limit(stream, seconds):
        for batch in stream:
            taken = batch.slice(0, limit - len(rows))
            rows.extend(zip(*(column.to_pylist() for column in taken.columns), strict=True))
            if len(rows) >= limit:
                stream.cancel()
                break
    return rows


def _count(opened: OpenSource, sql: str) -> int | None:
    """How many rows the query returns."""
    first = first_rows(opened, count_rows(sql, opened.definition.dialect), 1)
    return int(first[0][0]) if first else None


@contextmanager
def _time_limit(stream: RowStream, seconds: float) -> Iterator[None]:
    """Cancel the query when it takes longer than a person would wait."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        stream.cancel()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except ConnectorError:
        if late.is_set():
            raise QueryError(
                f"The query took longer than {seconds:.0f} seconds and was stopped.",
                hint="Previews are bounded; a sync runs the query to its end.",
            ) from None
        raise
    finally:
        timer.cancel()


@contextmanager
def _as_invalid() -> Iterator[None]:
    """The source's own error, where a person can read it: beside the query."""
    try:
        yield
    except QueryError as error:
        wrong = Invalid.field("sql", error.message, hint=error.hint)
        wrong.position = error.position  # type: ignore[attr-defined]
        raise wrong from error
    except ConnectorError as error:
        raise Invalid(error.message, fields={"": error.message}, hint=error.hint) from error


def _require_usable(columns: Sequence[Column]) -> None:
    """Columns need names of their own: filters and mappings go by name."""
    names = [column.name for column in columns]
    if not names:
        raise Invalid.field("sql", "The query returns no columns.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid.field(
            "sql", f"Several columns are called {', '.join(twice)}.", hint="Give each its own name with AS."
        )
