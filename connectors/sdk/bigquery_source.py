"""Sources that BigQuery computes: what its own tables and those of an Iceberg catalog share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import pyarrow as pa

from connectors.sdk.bigquery import API, Session, position
from connectors.sdk.bigquery_types import batch, described
from connectors.sdk.errors import AuthError, ConnectorError, QueryError
from connectors.sdk.fields import Field, Number, Text
from connectors.sdk.net import Client, Consent
from connectors.sdk.readings import Described
from connectors.sdk.rest import Api
from connectors.sdk.rest.blocking import opened
from connectors.sdk.server_settings import TIME_LIMIT
from connectors.sdk.sql import bare
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.types import Column, Table

# Longer than a request waits for a query, with time for a large page.
_TIMEOUT_S = 120.0

PROJECT_FIELDS: tuple[Field, ...] = (
    Text(
        name="project",
        label="Project ID",
        help="Queries are run and billed there; SQL may name datasets of other projects.",
        placeholder="my-project-123",
        max_length=100,
    ),
    Text(
        name="location",
        label="Location",
        help="Where the datasets are, such as EU, US or europe-west3. Left out, BigQuery goes by the tables.",
        required=False,
        pattern=r"[A-Za-z0-9\-]+",
        pattern_hint="A location's ID: letters, digits and dashes.",
        max_length=50,
    ),
    Number(
        name="most_billed",
        label="Most that a query may read",
        help="A query that would be billed for more is refused before it runs.",
        required=False,
        minimum=1,
        maximum=1_000_000,
        unit="GB",
        group="Limits",
    ),
    TIME_LIMIT,
)


class BigQueryReader(SqlSource):
    """One project, over the REST interface."""

    api: ClassVar[Api] = API
    failures = (pa.ArrowException,)

    def check(self) -> None:
        """Find something to read, and look at a query."""
        with self._opened() as session:
            session.look("SELECT 1 AS x")
            if not session.tables():
                raise AuthError(
                    "Connected, but there is no table that this account may read.",
                    hint="Check the project, and grant the account BigQuery Data Viewer on the datasets to read.",
                )

    def consent(self) -> Consent | None:
        """How a person signs in with Google, where that is chosen."""
        hidden = self.api.sign_in.secrets(self.config)
        return self.api.sign_in.consent(self.config, lambda: Client(self.environment, secrets=hidden))

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their descriptions."""
        with self._opened() as session:
            return [described(field).column for field in session.columns(table)]

    @contextmanager
    def _connect(self) -> Iterator[Session]:
        with opened(self.api, self.config, self.environment, connections=8, timeout_s=_TIMEOUT_S) as line:
            yield Session(line, self.environment.workload)

    def _tables(self, connection: Session) -> Sequence[Table]:
        return connection.tables()

    def _look(self, connection: Session, sql: str) -> Sequence[Described]:
        asked = bare(sql, self.dialect)
        try:
            return [described(field) for field in connection.look(asked)]
        except QueryError as error:
            error.position = position(error.message, asked)
            raise

    def _rows(self, connection: Session, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for page in connection.pages(sql, batch_rows):
            yield batch(page, schema)

    def _cancel(self, connection: Session) -> None:
        connection.cancel()

    def _told(self, error: Exception) -> ConnectorError:
        return QueryError(str(error))
