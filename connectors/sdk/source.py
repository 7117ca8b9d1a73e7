"""What a source author writes against."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pyarrow as pa

from connectors.sdk.context import Environment
from connectors.sdk.fields import Field, When
from connectors.sdk.types import Column, Table, Verification

if TYPE_CHECKING:
    from connectors.sdk.net import Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuery:
    """A ready query that the SQL editor offers."""

    name: str
    description: str
    sql: str
    primary_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDefinition:
    """Everything Headrace shows and checks about a source type.

    ``dialect`` is sqlglot's name. ``methods`` are the modelling methods it offers:
    "sql", "table". ``write_planner`` says whether the in-warehouse planner can run there,
    ``write_when`` that it can only with some of the settings, and ``planner_profile`` how,
    where the dialect alone does not say it. ``studio`` says that audiences can be built on it.
    ``setup_sql`` makes the SQL that prepares a least-privilege user, from the settings so far;
    ``write_setup_sql`` what that user needs besides for the planner and for sync logs.
    ``connects`` is as for destinations. ``table_word`` is what its tables are to people.
    """

    key: str
    name: str
    category: str
    summary: str
    docs_url: str
    dialect: str
    fields: tuple[Field, ...]
    verification: Verification
    methods: tuple[str, ...] = ("sql", "table")
    write_planner: bool = False
    write_when: When | None = None
    planner_profile: str = ""
    studio: bool = False
    needs_test: bool = True
    sample: bool = False
    sample_queries: tuple[SampleQuery, ...] = ()
    setup_sql: Callable[[Mapping[str, Any]], str] | None = None
    write_setup_sql: Callable[[Mapping[str, Any]], str] | None = None
    connects: When | None = None
    table_word: str = "Table or view"


class RowStream(Protocol):
    """An open query result: its Arrow schema first, then batches; closing or cancelling frees it."""

    schema: pa.Schema

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    def cancel(self) -> None:
        """Stop the query on the server; safe from another thread."""


class Source(ABC):
    """One connected system that models query. Read-only unless a capability says otherwise.

    Methods block and may be slow; they raise only :mod:`connectors.sdk.errors`.
    Where ``columns_are_cheap`` is false, those of a table are asked for only when somebody looks at it.
    ``left_out`` says in words what the list of tables just read leaves out.
    """

    definition: ClassVar[SourceDefinition]
    columns_are_cheap: ClassVar[bool] = True
    left_out: str = ""

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        self.config = config
        self.environment = environment

    @abstractmethod
    def check(self) -> None:
        """Connect and read something trivial; raise a typed error that says what to change."""

    def consent(self) -> Consent | None:
        """How a person signs in on the service's own page, where the settings ask for that."""
        return None

    @abstractmethod
    def tables(self) -> Sequence[Table]:
        """Tables and views that the credentials can read, without Headrace's own schemas."""

    @abstractmethod
    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with types and descriptions."""

    @abstractmethod
    def describe(self, sql: str) -> Sequence[Column]:
        """The columns that a query would return, without running it to its end."""

    @abstractmethod
    def query(self, sql: str, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        """Run a read-only query and stream its rows as Arrow batches.

        Bounded memory. Columns arrive as :mod:`connectors.sdk.arrow` says, each
        marked with its type: numbers without loss, moments in UTC, objects and
        arrays as JSON text, whatever else the columnar format cannot carry as text.
        Nothing runs before the first batch is asked for.
        """
