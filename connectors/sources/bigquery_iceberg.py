"""Iceberg tables of BigLake's REST catalog, listed there and read by BigQuery."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk.bigquery import API, Session
from connectors.sdk.bigquery_source import PROJECT_FIELDS, BigQueryReader
from connectors.sdk.errors import AuthError, ConfigError, InternalError
from connectors.sdk.fields import Text
from connectors.sdk.net.doors import run
from connectors.sdk.rest import google
from connectors.sdk.rest.api import MAX_PAGES, Line, at
from connectors.sdk.rest.blocking import opened
from connectors.sdk.source import SourceDefinition
from connectors.sdk.sql import table_sql
from connectors.sdk.types import Column, Table, Verification

ORIGIN = "https://biglake.googleapis.com"
_CATALOG = f"{ORIGIN}/iceberg/v1/restcatalog/v1"
_HIDDEN = ("headrace_planner", "headrace_audit")
_WAREHOUSE = r"gs://(?P<bucket>[a-z0-9][a-z0-9._\-]{1,220})/?"


class BigQueryIcebergSource(BigQueryReader):
    """The namespaces of one catalog, which is a bucket; SQL may join what else the project has."""

    # Its catalog is no part of BigQuery, whose own scope does not reach there.
    api = replace(API, sign_in=google("https://www.googleapis.com/auth/cloud-platform"))

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="bigquery_iceberg",
        name="Iceberg on BigQuery",
        category="Warehouses",
        summary="Iceberg tables of a BigLake catalog, computed by BigQuery.",
        docs_url="docs/sources/bigquery_iceberg.md",
        dialect="bigquery",
        verification=Verification.DOCS,
        studio=True,
        connects=api.sign_in.connects,
        fields=(
            *api.sign_in.fields,
            Text(
                name="warehouse",
                label="Iceberg catalog warehouse URI",
                help="The bucket behind the catalog.",
                placeholder="gs://acme-iceberg",
                pattern=_WAREHOUSE,
                pattern_hint="gs:// and the name of the bucket, nothing more.",
                max_length=230,
            ),
            *PROJECT_FIELDS,
        ),
    )

    def check(self) -> None:
        """Find something to read, and look at a query."""
        with self._opened() as session:
            session.look("SELECT 1 AS x")
        if not self.tables():
            raise AuthError(
                "Connected, but the catalog has no table that this account may read.",
                hint="Check the bucket, and grant the account BigLake Viewer and Storage Object Viewer.",
            )

    def tables(self) -> Sequence[Table]:
        """The tables of every namespace, each under project, catalog and namespace."""
        with self._line() as line:
            prefix = self._prefix(line)
            home = f"{self.config['project']}.{prefix.rpartition('/')[2]}"
            spaces = [".".join(parts) for parts in self._listed(line, f"{prefix}/namespaces", "namespaces")]
            return [
                Table(f"{home}.{space}", str(found["name"]))
                for space in sorted(spaces)
                if space not in _HIDDEN
                for found in self._listed(line, f"{prefix}/namespaces/{quote(space, safe='')}/tables", "identifiers")
            ]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table, by a query that is not run."""
        return self.describe(table_sql(table, self.dialect))

    def _tables(self, connection: Session) -> Sequence[Table]:
        return self.tables()

    def _prefix(self, line: Line) -> str:
        """Under what the catalog keeps this bucket (Iceberg's REST interface, GET /v1/config)."""
        warehouse = str(self.config.get("warehouse") or "").strip().rstrip("/")
        if not re.fullmatch(_WAREHOUSE, warehouse):
            raise ConfigError("This is no bucket.", field="warehouse", hint="Write gs:// and the bucket's name.")
        prefix = at(self._asked(line, "config", {"warehouse": warehouse}), "overrides.prefix")
        if not prefix:
            raise ConfigError(
                "The catalog does not know this bucket.", field="warehouse", hint="Enable the BigLake API."
            )
        return str(prefix)

    def _listed(self, line: Line, path: str, items: str) -> Iterator[Any]:
        token: str | None = None
        for _ in range(MAX_PAGES):
            page = self._asked(line, path, {"pageToken": token})
            yield from page.get(items) or ()
            if not (token := page.get("next-page-token")):
                return
        raise InternalError(f"The list at {path} does not end.")

    def _asked(self, line: Line, path: str, query: Mapping[str, Any]) -> Any:
        # Who is billed for the calls: without it the catalog refuses them.
        headers = {"x-goog-user-project": str(self.config.get("project") or "")}
        return run(line.send("GET", f"{_CATALOG}/{path}", query=query, headers=headers)).json()

    @contextmanager
    def _line(self) -> Iterator[Line]:
        with opened(self.api, self.config, self.environment) as line:
            yield line
