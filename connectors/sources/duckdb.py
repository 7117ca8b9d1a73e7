"""DuckDB: a database file, or CSV, Parquet and JSON files as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from connectors.sdk.duckdb_planner import DuckDBSession, open_writer
from connectors.sdk.duckdb_reader import EXTENSIONS, DuckDBStream, Layout, open_session
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import KeyValues, Select, Text, When
from connectors.sdk.local_paths import allowed_file, allowed_files
from connectors.sdk.planner import WarehouseSource
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Choice, Column, Table, Verification

DATABASE, FILES = "database", "files"


class DuckDBSource(WarehouseSource):
    """Files on the machine that runs Headrace, read in place."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="duckdb",
        name="DuckDB",
        category="Files and databases",
        summary="A DuckDB database file, or CSV, Parquet and JSON files queried with SQL.",
        docs_url="docs/sources/duckdb.md",
        dialect="duckdb",
        verification=Verification.SERVER,
        write_planner=True,
        studio=True,
        write_when=When(field="mode", values=(DATABASE,)),
        fields=(
            Select(
                name="mode",
                label="What to read",
                style="cards",
                default=DATABASE,
                choices=(
                    Choice(DATABASE, "A database file", "One .duckdb file with its tables and views."),
                    Choice(FILES, "Files", "CSV, Parquet or JSON files, each path or pattern as one table."),
                ),
            ),
            Text(
                name="path",
                label="Database file",
                help="A path inside the folders that the operator allows; a relative one starts at the first of them.",
                placeholder="warehouse.duckdb",
                when=When(field="mode", values=(DATABASE,)),
            ),
            KeyValues(
                name="files",
                label="Tables",
                help=(
                    "The name of each table, and the path or pattern of its files: orders, orders/*.parquet. "
                    f"Files end in {', '.join(EXTENSIONS[:1])}, .parquet, .json, .ndjson or similar."
                ),
                required=True,
                when=When(field="mode", values=(FILES,)),
            ),
        ),
    )

    def check(self) -> None:
        """Open everything once: the database, or each table's files up to their columns."""
        self.tables()

    def tables(self) -> Sequence[Table]:
        """Tables and views of the database, or the files by their table names."""
        with open_session(self._layout(), self.environment) as session:
            return session.tables()

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        with open_session(self._layout(), self.environment) as session:
            return session.table_columns(table)

    def describe(self, sql: str) -> Sequence[Column]:
        """The columns of a query; nothing is run."""
        with open_session(self._layout(), self.environment) as session:
            return session.columns(sql)

    @contextmanager
    def query(self, sql: str, *, batch_rows: int = 50_000) -> Iterator[DuckDBStream]:
        """A query's rows as Arrow batches."""
        with open_session(self._layout(), self.environment) as session:
            yield session.stream(sql, batch_rows)

    @contextmanager
    def session(self) -> Iterator[DuckDBSession]:
        """The database file's one writer."""
        database = self._layout().database
        if database is None:
            raise ConfigError(
                "Files are only read: nothing can be written beside them.",
                field="mode",
                hint="The warehouse planner works in a DuckDB database file.",
            )
        with open_writer(database, self.environment) as session:
            yield session

    def _layout(self) -> Layout:
        if self.config.get("mode", DATABASE) == DATABASE:
            return Layout(database=allowed_file(str(self.config.get("path") or ""), self.environment, field="path"))
        rows = [(str(row["name"]).strip(), str(row["value"])) for row in self.config.get("files") or []]
        _check_table_names([name for name, _ in rows])
        return Layout(files={name: allowed_files(path, self.environment, field="files") for name, path in rows})


def _check_table_names(names: Sequence[str]) -> None:
    if not names:
        raise ConfigError("No files are given.", field="files", hint="Name at least one table and its files.")
    seen: set[str] = set()
    for name in names:
        # DuckDB's names do not tell upper from lower case.
        if not name or name.lower() in seen:
            problem = f"Two tables are named “{name}”." if name else "A table has no name."
            raise ConfigError(problem, field="files", hint="Give every table a name of its own.")
        seen.add(name.lower())
