"""Where the history of an audience is: tables in its warehouse, or files in the storage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings
from sqlglot import exp

from audiences.choices import LogPlace
from audiences.history_tables import (
    MEMBERSHIP,
    TABLES,
    HistoryTable,
    changes_at,
    changes_table,
    entering,
    members_at,
    of_audience,
    written_changes,
)
from audiences.models import Audience, AudienceLogs, Recording
from connectors.access import can_host_planner, open_source
from connectors.choices import Health
from connectors.models import Source
from connectors.sdk.planner import Statement, WarehouseSession, WarehouseSource, drop_table, own_table, warehouse_of
from connectors.sdk.source import Source as OpenSource
from connectors.sdk.types import Column
from syncs.engine.duck import Duck, duck, never
from syncs.engine.forgetting import Forgotten
from syncs.engine.logs.membership import ROW, changes, compare
from syncs.engine.storage import Storage, scratch
from syncs.engine.warehouse.dialects import PROFILES
from syncs.engine.warehouse.preparation import profile_of
from syncs.engine.warehouse.profile import Profile
from syncs.logs import workspace_code
from syncs.runspec import workspace_directory
from syncs.storage import storage, workdir

BATCH_ROWS = 20_000
KEYS_AT_ONCE = 1_000
MEMBERS = pa.schema([("row_id", pa.string()), ("split_group", pa.string())])
Batches = Iterator[pa.RecordBatch]
# Makes a query over a table in a place where text compares as the profile says.
Ask = Callable[[exp.Expr, Profile], exp.Select]


@dataclass(frozen=True, slots=True)
class Members:
    """How the members are asked for: a query whose key is the column ``row_id``, and their group where ``grouped``.

    ``forgotten`` are nobody now.
    """

    sql: str
    key: Column
    grouped: bool = False
    forgotten: Sequence[Forgotten] = ()


class Place(Protocol):
    """What both do."""

    def follow(self, recording: Recording, now: Members) -> dict[str, int]:
        """Write down who entered and left since the recording before: how many, as ``entered`` and ``exited``."""
        ...

    def rows(self, table: HistoryTable, audience: Audience, ask: Ask) -> Batches:
        """What a query over one of the tables finds of an audience; nothing where the table is not there."""
        ...

    def write(self, table: HistoryTable, recording: Recording, batches: Batches) -> int:
        """Add entries in the place of those that an earlier attempt at the recording wrote; how many."""
        ...

    def erase(self, audience: Audience, keys: Collection[str]) -> int:
        """Delete everything about these keys; how many entries."""
        ...


def place_of(logs: AudienceLogs) -> Place:
    """Where the audiences of a source have their history."""
    source = open_source(logs.source)
    if logs.place == LogPlace.WAREHOUSE:
        return InWarehouse(warehouse_of(source))
    return InStorage(storage(), source)


def place_for(source: Source) -> LogPlace:
    """Where a history that begins now will be: in the warehouse where writing was tested with success."""
    writes = can_host_planner(source) and source.write_health == Health.HEALTHY
    return LogPlace.WAREHOUSE if writes else LogPlace.STORAGE


@dataclass(frozen=True, slots=True)
class InWarehouse:
    """Tables of Headrace's in the source."""

    source: WarehouseSource

    def follow(self, recording: Recording, now: Members) -> dict[str, int]:
        """Compared in the warehouse: only keys that are new leave it, and those only where somebody was forgotten.

        What differs is a table until it is in the history, so that it is asked for once. Written again after a
        crash it finds nothing more; what is counted are the entries of the recording's moment.
        """
        own = recording.audience_id, workspace_code(recording.workspace)
        staged = f"{own[1]}_audience_{own[0]}_changes"
        made = changes_table(staged, profile_of(self.source), now.key, now.sql, *own, grouped=now.grouped)
        with self.source.session() as session:
            session.execute(MEMBERSHIP.creation())
            session.execute(drop_table(staged))
            session.execute(made)
            if now.forgotten:
                _leave_out(session, staged, now.forgotten)
            session.execute(written_changes(staged, *own, recording.moment))
            session.execute(drop_table(staged))
            counts = dict(session.rows(changes_at(*own, recording.moment)))
        return {"entered": int(counts.get("enter", 0)), "exited": int(counts.get("exit", 0))}

    def rows(self, table: HistoryTable, audience: Audience, ask: Ask) -> Batches:
        """Found in the warehouse."""
        with self.source.session() as session:
            if not session.exists(table.name, table.schema):
                return
            query = ask(table.expression(), profile_of(self.source))
            with session.query(Statement(query), batch_rows=BATCH_ROWS) as stream:
                yield from stream

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
                for chosen in _some_of(table.row, wanted):
                    statement = exp.delete(table.expression()).where(own.copy(), chosen)
                    total += max(0, session.execute(Statement(statement)))
        return total


def _leave_out(session: WarehouseSession, staged: str, forgotten: Sequence[Forgotten]) -> None:
    """Take forgotten people out of a table of changes: the warehouse never learns the secret."""
    hidden: set[str] = set()
    with session.query(entering(staged), batch_rows=BATCH_ROWS) as stream:
        for batch in stream:
            keys = batch.column(0).cast(pa.string()).to_pylist()
            hidden.update(key for each in forgotten for key in each.among(keys))
    for chosen in _some_of(ROW, sorted(hidden)):
        session.execute(Statement(exp.delete(own_table(staged)).where(chosen)))


def _some_of(column: str, keys: Sequence[str]) -> Iterator[exp.Expr]:
    """Conditions that a column has one of the keys, as many as a statement may be long."""
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = (exp.Literal.string(key) for key in keys[start : start + KEYS_AT_ONCE])
        yield exp.column(column, quoted=True).isin(*some)


def _bench() -> AbstractContextManager[Duck]:
    """A DuckDB that spills to disk rather than take more than its share of memory."""
    return duck(workdir(), memory_mb=settings.ENGINE_MEMORY_MB, threads=settings.ENGINE_THREADS, check=never)


@dataclass(frozen=True, slots=True)
class InStorage:
    """Parquet files, one a table and recording."""

    files: Storage
    source: OpenSource

    def follow(self, recording: Recording, now: Members) -> dict[str, int]:
        """Compared in DuckDB, from files of both."""
        with scratch(workdir(), "audience-") as folder, _bench() as bench:
            there, known = folder / "now.parquet", folder / "known.parquet"
            with self.source.query(now.sql, batch_rows=BATCH_ROWS) as stream:
                keep(there, stream.schema, stream)
            before = self.rows(MEMBERSHIP, recording.audience, members_now(recording.audience), but=recording.pk)
            keep(known, MEMBERS, (batch.cast(MEMBERS) for batch in before))
            found = compare(bench, there, known, now.forgotten)
            if any(found.values()):
                self.write(MEMBERSHIP, recording, _entries(recording, changes(bench)))
        return {"entered": found["enter"], "exited": found["exit"]}

    def rows(self, table: HistoryTable, audience: Audience, ask: Ask, but: int = 0) -> Batches:
        """Found by DuckDB in the files of all recordings, without that of the recording ``but``."""
        paths = self._paths(table, audience)
        local = [str(self.files.local(path)) for path in paths if not path.endswith(f"/{but}.parquet")]
        if not local:
            return
        with _bench() as bench:
            bench.connection.read_parquet(local).create_view("entries")
            query = ask(exp.table_("entries"), PROFILES["duckdb"])
            yield from bench.stream(query.sql("duckdb"), batch_rows=BATCH_ROWS)

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


def members_now(audience: Audience, at: datetime | None = None) -> Ask:
    """Who was in the audience at a moment, or is by its newest snapshot."""
    own = audience.pk, workspace_code(audience.workspace)
    return lambda table, _: members_at(table, *own, at)


def _entries(recording: Recording, found: Batches) -> Batches:
    """Entries of the membership history."""
    own = {
        "ht_audience_id": str(recording.audience_id),
        "ht_timestamp": recording.moment,
        "workspace": workspace_code(recording.workspace),
    }
    for batch in found:
        row, event, group = batch.columns
        named = {"ht_row_id": row, "ht_event_type": event, "ht_split_group": group}
        yield filled(MEMBERSHIP.arrow, batch.num_rows, own, **named)


def keep(file: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Batches as a file."""
    with pq.ParquetWriter(file, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def filled(schema: pa.Schema, rows: int, own: dict[str, Any], **columns: pa.Array) -> pa.RecordBatch:
    """A batch of a table's columns: those that differ by row, and those that do not."""
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.array([own[field.name]] * rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def history_folder(workspace_id: int, audience_id: int) -> str:
    """Where the files of an audience's history are."""
    return f"{workspace_directory(workspace_id)}/audiences/{audience_id}"


def _folder(table: HistoryTable, workspace_id: int, audience_id: int) -> str:
    return f"{history_folder(workspace_id, audience_id)}/{table.name}"
