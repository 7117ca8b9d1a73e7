"""Amazon Athena: tables over files in S3, queried by a workgroup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa

from connectors.sdk.athena import Session, opened
from connectors.sdk.aws import CONNECTION
from connectors.sdk.errors import AuthError
from connectors.sdk.fields import AWS_CREDENTIAL, NO_CREDENTIAL, Text
from connectors.sdk.server_settings import TIME_LIMIT
from connectors.sdk.source import SourceDefinition
from connectors.sdk.trino_source import TrinoFamilySource
from connectors.sdk.types import Choice, Table, Verification

_REGION, *_ACCESS = CONNECTION


class AthenaSource(TrinoFamilySource):
    """One database of a catalog, and in SQL whatever else the credentials may read."""

    columns_are_cheap = False  # each table takes a statement

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="athena",
        name="Amazon Athena",
        category="Warehouses",
        summary="Tables, views and queries of Athena, over files in S3.",
        docs_url="docs/sources/athena.md",
        dialect="athena",
        verification=Verification.DOCS,
        studio=True,
        fields=(
            _REGION,
            AWS_CREDENTIAL,
            *(replace(declared, when=NO_CREDENTIAL) for declared in _ACCESS),
            Text(
                name="workgroup",
                label="Workgroup",
                group="Queries",
                help="It decides what a query may scan and where results go.",
                default="primary",
                discover="workgroups",
                pattern=r"[a-zA-Z0-9._-]{1,128}",
                pattern_hint="1 to 128 letters, digits, dots, dashes and underscores.",
            ),
            Text(
                name="output",
                label="Query output location",
                group="Queries",
                help="Only where the workgroup has none. Results are deleted there once they were read.",
                placeholder="s3://my-bucket/athena-results/",
                required=False,
                pattern=r"s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?",
                pattern_hint="An address in S3, such as s3://my-bucket/athena-results/.",
            ),
            Text(
                name="catalog",
                label="Data catalog",
                group="Queries",
                help="AwsDataCatalog is the one of AWS Glue.",
                default="AwsDataCatalog",
                discover="catalogs",
                max_length=256,
            ),
            Text(
                name="database",
                label="Database",
                group="Queries",
                help="Its tables are listed, and names without a database belong to it.",
                discover="databases",
                depends=("catalog",),
                max_length=255,
            ),
            TIME_LIMIT,
        ),
    )

    def check(self) -> None:
        """Run a query, which shows that results can be written and read, and find something to read."""
        with self._opened() as session:
            session.small("SELECT 1")
            if not self._tables(session):
                raise AuthError(
                    "Connected, but there is no table that these credentials may read.",
                    hint="Check the database; with Lake Formation, grant Select and Describe on its tables.",
                )

    def _connect(self) -> AbstractContextManager[Session]:
        return opened(self.config, self.environment)

    def workgroups(self) -> Sequence[Choice]:
        """The workgroups of the region."""
        return self._listed("list_work_groups", "WorkGroups", "Name")

    def catalogs(self) -> Sequence[Choice]:
        """The data catalogs of the account."""
        return self._listed("list_data_catalogs", "DataCatalogsSummary", "CatalogName")

    def databases(self, *, catalog: str) -> Sequence[Choice]:
        """The databases of a catalog; none where Lake Formation grants none."""
        return self._listed("list_databases", "DatabaseList", "Name", CatalogName=catalog)

    def _listed(self, operation: str, key: str, name: str, **about: str) -> Sequence[Choice]:
        with self._opened() as session:
            return [Choice(str(one[name]), str(one[name])) for one in session.listed(operation, key, **about)]

    def _tables(self, connection: Session) -> Sequence[Table]:
        found = []
        for table in connection.listed("list_table_metadata", "TableMetadataList", **self._database):
            kind = "view" if "VIEW" in (table.get("TableType") or "") else "table"
            comment = (table.get("Parameters") or {}).get("comment") or ""
            found.append(Table(self._database["DatabaseName"], table["Name"], kind, comment))
        return found

    @property
    def _database(self) -> dict[str, str]:
        config = self.config
        return {"CatalogName": str(config.get("catalog") or ""), "DatabaseName": str(config.get("database") or "")}

    def _comments(self, session: Session, table: Table) -> Mapping[str, str | None]:
        told = session.ask("get_table_metadata", **self._database, TableName=table.name)["TableMetadata"]
        columns = [*(told.get("Columns") or ()), *(told.get("PartitionKeys") or ())]
        return {column["Name"]: column.get("Comment") for column in columns}

    def _rows(self, connection: Session, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        yield from connection.batches(sql, schema, batch_rows)
