"""BigQuery, over its REST interface: no driver stands between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from sqlglot import exp

from connectors.sdk.bigquery import API
from connectors.sdk.bigquery_planner import BigQuerySession
from connectors.sdk.bigquery_source import PROJECT_FIELDS, BigQueryReader
from connectors.sdk.planner import SCHEMAS, WarehouseSource
from connectors.sdk.source import RowStream, SourceDefinition
from connectors.sdk.types import Verification


def write_setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: two datasets in which the account may make tables of its own, nothing more."""
    location = str(config.get("location") or "").strip()
    where = f" OPTIONS (location = {exp.Literal.string(location).sql(dialect='bigquery')})" if location else ""
    lines: list[str] = []
    for schema in SCHEMAS:
        lines += (
            f"CREATE SCHEMA IF NOT EXISTS `{schema}`{where};",
            f"GRANT `roles/bigquery.dataEditor` ON SCHEMA `{schema}` TO 'serviceAccount:its e-mail address';",
        )
    return "\n".join(lines)


class BigQuerySource(BigQueryReader, WarehouseSource):
    """One project; the planner's sessions write, into Headrace's datasets."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="bigquery",
        name="BigQuery",
        category="Warehouses",
        summary="Tables, views and queries of a Google BigQuery project.",
        docs_url="docs/sources/bigquery.md",
        dialect="bigquery",
        verification=Verification.EMULATOR,
        write_planner=True,
        studio=True,
        write_setup_sql=write_setup_sql,
        connects=API.sign_in.connects,
        fields=(
            *API.sign_in.fields,
            *PROJECT_FIELDS,
        ),
    )

    @contextmanager
    def session(self) -> Iterator[BigQuerySession]:
        """A line for writing."""

        def streamed(sql: str, batch_rows: int) -> AbstractContextManager[RowStream]:
            return self.query(sql, batch_rows=batch_rows)

        with self._connect() as session:
            yield BigQuerySession(session, streamed, self.describe)
