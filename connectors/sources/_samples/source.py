"""What the sample sources share: no credentials, read like any DuckDB file.

The data set is made once for everybody, and never written to. Headrace's own tables are in a file of the workspace
beside it, outside of the folders that sources may read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar

from connectors.sdk.duckdb_planner import DuckDBSession, open_writer
from connectors.sdk.duckdb_reader import DuckDBStream, Layout, Session, open_session
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, Number, Text
from connectors.sdk.planner import SCHEMAS, WarehouseSource
from connectors.sdk.types import Column, Table
from connectors.sources._samples.dataset import Dataset, prepared

FIRST_DAY = date(2026, 1, 1)
MAX_SCALE = 200
MAX_DAY = 365

FIELDS: tuple[Field, ...] = (
    Number(
        name="scale",
        label="Size",
        help="1 is a mid-sized company; 0.1 a tenth of it, 10 ten times as much.",
        required=False,
        default=1,
        minimum=0.001,
        maximum=MAX_SCALE,
        whole=False,
    ),
    Number(
        name="day",
        label="Days passed",
        help="Raise it by one to see a day's changes: new people, new activity, changed profiles, a few deletions.",
        required=False,
        default=0,
        minimum=0,
        maximum=MAX_DAY,
    ),
    Text(
        name="first_day",
        label="First day",
        help="The date on which no day has passed yet. The history lies before it.",
        required=False,
        default=FIRST_DAY.isoformat(),
        pattern=r"\d{4}-\d{2}-\d{2}",
        pattern_hint="a date such as 2026-01-01",
    ),
)


class SampleSource(WarehouseSource):
    """A made-up company's data: the same for the same settings, on every machine."""

    dataset: ClassVar[str]
    version: ClassVar[int]

    def check(self) -> None:
        """Make the data if it is not there yet."""
        prepared(self._dataset(), self.environment)

    def tables(self) -> Sequence[Table]:
        """The tables of the data set."""
        with self._session() as session:
            return session.tables()

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        with self._session() as session:
            return session.table_columns(table)

    def describe(self, sql: str) -> Sequence[Column]:
        """The columns of a query; nothing is run."""
        with self._session(sql) as session:
            return session.columns(sql)

    @contextmanager
    def query(self, sql: str, *, batch_rows: int = 50_000) -> Iterator[DuckDBStream]:
        """A query's rows as Arrow batches."""
        with self._session(sql) as session:
            yield session.stream(sql, batch_rows)

    @contextmanager
    def session(self) -> Iterator[DuckDBSession]:
        """The one writer of the workspace's own file."""
        if (own := self._own_file()) is None:
            raise ConfigError("There is no workspace that could keep tables beside the sample data.")
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open_writer(prepared(self._dataset(), self.environment), self.environment, own) as session:
            yield session

    @contextmanager
    def _session(self, sql: str = "") -> Iterator[Session]:
        layout = Layout(database=prepared(self._dataset(), self.environment))
        # Whoever asks nothing of the workspace's own file need not wait for its writer.
        if any(schema in sql for schema in SCHEMAS):
            layout = replace(layout, beside=self._own_file())
        with open_session(layout, self.environment) as session:
            yield session

    def _own_file(self) -> Path | None:
        folder, workspace = self.environment.extra.get("data_dir"), self.environment.extra.get("workspace")
        return Path(folder) / "planners" / f"{workspace}.duckdb" if folder and workspace else None

    def _dataset(self) -> Dataset:
        return Dataset(
            name=self.dataset,
            version=self.version,
            scale=self._number("scale", 1, 0.001, MAX_SCALE),
            day=int(self._number("day", 0, 0, MAX_DAY)),
            first_day=self._first_day(),
        )

    def _number(self, name: str, default: float, least: float, most: float) -> float:
        given = self.config.get(name)
        value = default if given is None else float(given)
        if not least <= value <= most:
            raise ConfigError(f"Choose a number from {least:g} to {most:g}.", field=name)
        return value

    def _first_day(self) -> date:
        given = str(self.config.get("first_day") or FIRST_DAY.isoformat())
        try:
            found = date.fromisoformat(given)
        except ValueError as error:
            raise ConfigError(f"“{given}” is not a date.", field="first_day", hint="Write it as 2026-01-01.") from error
        if not 1900 <= found.year <= 2100:
            raise ConfigError("Choose a date between 1900 and 2100.", field="first_day")
        return found
