"""Where the history of an audience is: tables in its warehouse, or files in the storage."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlglot import exp

from audiences.choices import LogPlace
from audiences.history_tables import MEMBERSHIP, TABLES, HistoryTable, members_at, of_audience
from audiences.models import Audience, AudienceLogs, Recording
from connectors.access import can_host_planner, open_source
from connectors.choices import Health
from connectors.models import Source
from connectors.sdk.planner import Statement, WarehouseSource, warehouse_of
from syncs.engine.storage import Storage
from syncs.logs import workspace_code
from syncs.runspec import workspace_directory
from syncs.storage import storage

BATCH_ROWS = 20_000
KEYS_AT_ONCE = 1_000
MEMBERS = pa.schema([("row_id", pa.string()), ("split_group", pa.string())])
Batches = Iterator[pa.RecordBatch]


class Place(Protocol):
    """What both do."""

    def members(self, audience: Audience, at: datetime | None = None, but: int = 0) -> Batches:
        """Who was in the audience, without what the recording ``but`` wrote, where that can be told apart."""
        ...

    def write(self, table: HistoryTable, recording: Recording, batches: Batches) -> int:
        """Add entries in the place of those that an earlier attempt at the recording wrote; how many."""
        ...

    def erase(self, audience: Audience, keys: Collection[str]) -> int:
        """Delete everything about these keys; how many entries."""
        ...


def place_of(logs: AudienceLogs) -> Place:
    """Where the audiences of a source have their history."""
    if logs.place == LogPlace.WAREHOUSE:
        return InWarehouse(warehouse_of(open_source(logs.source)))
    return InStorage(storage())


def place_for(source: Source) -> LogPlace:
    """Where a history that begins now will be: in the warehouse where writing was tested with success."""
    writes = can_host_planner(source) and source.write_health == Health.HEALTHY
    return LogPlace.WAREHOUSE if writes else LogPlace.STORAGE


@dataclass(frozen=True, slots=True)
class InWarehouse:
    """Tables of Headrace's in the source."""

    source: WarehouseSource

    def members(self, audience: Audience, at: datetime | None = None, but: int = 0) -> Batches:
        """Added up in the warehouse."""
        query = members_at(MEMBERSHIP.expression(), audience.pk, workspace_code(audience.workspace), at)
        with self.source.session() as session:
            if not session.exists(MEMBERSHIP.name, MEMBERSHIP.schema):
                return
            with session.query(Statement(query), batch_rows=BATCH_ROWS) as stream:
                for batch in stream:
                    yield pa.RecordBatch.from_arrays([c.cast(pa.string()) for c in batch.columns], schema=MEMBERS)

    def write(self, table: HistoryTable, recording: Recording, batches: Batches) -> int:
        """In one transaction where the warehouse has them; membership says only what differs, so nothing is there."""
        with self.source.session() as session:
            session.execute(table.creation())
            with session.transaction():
                if table.key:
                    same = exp.column(table.key, quoted=True).eq(exp.Literal.number(recording.run_id or 0))
                    own = of_audience(table, recording.audience_id, workspace_code(recording.workspace))
                    session.execute(Statement(exp.delete(table.expression()).where(own, same)))
                reader = pa.RecordBatchReader.from_batches(table.arrow, batches)
                return session.load(table.name, reader, table.schema)

    def erase(self, audience: Audience, keys: Collection[str]) -> int:
        """From every table that is there."""
        total, wanted = 0, sorted(keys)
        with self.source.session() as session:
            for table in TABLES:
                if not session.exists(table.name, table.schema):
                    continue
                own = of_audience(table, audience.pk, workspace_code(audience.workspace))
                for start in range(0, len(wanted), KEYS_AT_ONCE):
                    some = (exp.Literal.string(key) for key in wanted[start : start + KEYS_AT_ONCE])
                    chosen = exp.column(table.row, quoted=True).isin(*some)
                    statement = exp.delete(table.expression()).where(own.copy(), chosen)
                    total += max(0, session.execute(Statement(statement)))
        return total


@dataclass(frozen=True, slots=True)
class InStorage:
    """Parquet files, one a table and recording."""

    files: Storage

    def members(self, audience: Audience, at: datetime | None = None, but: int = 0) -> Batches:
        """Added up by DuckDB over the files of all recordings."""
        import duckdb

        paths = self._paths(MEMBERSHIP, audience)
        local = [str(self.files.local(path)) for path in paths if not path.endswith(f"/{but}.parquet")]
        if not local:
            return
        query = members_at(exp.table_("events"), audience.pk, workspace_code(audience.workspace), at)
        with duckdb.connect() as bench:
            bench.execute("SET TimeZone='UTC'")
            bench.read_parquet(local).create_view("events")
            for batch in bench.sql(query.sql("duckdb")).to_arrow_reader(BATCH_ROWS):
                yield pa.RecordBatch.from_arrays([c.cast(pa.string()) for c in batch.columns], schema=MEMBERS)

    def write(self, table: HistoryTable, recording: Recording, batches: Batches) -> int:
        """A file that takes its place when it is whole; none for no entries."""
        rows, path = 0, f"{_folder(table, recording.workspace_id, recording.audience_id)}/{recording.pk}.parquet"
        with self.files.writing(path) as place, pq.ParquetWriter(place, table.arrow) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        if not rows:
            self.files.delete(path)
        return rows

    def erase(self, audience: Audience, keys: Collection[str]) -> int:
        """Every file that has one of the keys is written anew."""
        wanted, total = pa.array(sorted(keys), pa.string()), 0
        for table in TABLES:
            for path in self._paths(table, audience):
                total += self._without(path, table.row, wanted)
        return total

    def _without(self, path: str, column: str, keys: pa.Array) -> int:
        file = pq.ParquetFile(self.files.local(path))
        hit = sum(
            pc.sum(pc.is_in(batch.column(0), value_set=keys)).as_py() or 0
            for batch in file.iter_batches(columns=[column])
        )
        if hit:
            with self.files.writing(path) as place, pq.ParquetWriter(place, file.schema_arrow) as writer:
                for batch in file.iter_batches():
                    kept = pc.invert(pc.is_in(batch.column(column), value_set=keys))
                    writer.write_batch(batch.filter(kept))
        return int(hit)

    def _paths(self, table: HistoryTable, audience: Audience) -> list[str]:
        return self.files.list(_folder(table, audience.workspace_id, audience.pk))


def history_folder(workspace_id: int, audience_id: int) -> str:
    """Where the files of an audience's history are."""
    return f"{workspace_directory(workspace_id)}/audiences/{audience_id}"


def _folder(table: HistoryTable, workspace_id: int, audience_id: int) -> str:
    return f"{history_folder(workspace_id, audience_id)}/{table.name}"
