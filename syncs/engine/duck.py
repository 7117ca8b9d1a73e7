"""One DuckDB connection for one stage: capped memory, spilling to disk, UTC, stoppable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from syncs.engine.errors import StorageFailed
from syncs.engine.instances import Limits, instances
from syncs.engine.storage import scratch

Check = Callable[[], None]
_POLL_S = 0.5
# Batches and file buffers that DuckDB does not count take their share of the engine's limit.
_BESIDE_MB, _LEAST_MB = 64, 64


class Duck:
    """Runs statements on another thread, so that ``check`` can stop them from this one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, check: Check) -> None:
        self.connection = connection
        self._check = check
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="duckdb")

    def run(self, sql: str, parameters: list[Any] | None = None) -> None:
        """Perform a statement; ``check`` is asked about twice a second and may raise to stop it."""
        self._check()
        running = self._pool.submit(self.connection.execute, sql, parameters or [])
        self._wait(running)

    def row(self, sql: str, parameters: list[Any] | None = None) -> tuple[Any, ...]:
        """The row of a query that returns one; read to its end, so that the connection is free again."""
        found = self.rows(sql, parameters)
        if not found:
            raise LookupError("the query returned no row")
        return found[0]

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query that is known to be small."""
        self.run(sql, parameters)
        return list(self.connection.fetchall())

    def stream(self, sql: str, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """A query's rows as Arrow batches, read as they are asked for."""
        try:
            yield from self.connection.sql(sql).to_arrow_reader(batch_rows)
        except (duckdb.Error, pa.ArrowException) as error:
            raise translated(error) from error

    def close(self) -> None:
        """End the connection and its thread."""
        self._pool.shutdown(wait=True)
        self.connection.close()

    def _wait(self, running: Future[Any]) -> None:
        while True:
            try:
                running.result(timeout=_POLL_S)
                return
            except TimeoutError:
                self._check_or_interrupt(running)
            except duckdb.Error as error:
                raise translated(error) from error

    def _check_or_interrupt(self, running: Future[Any]) -> None:
        try:
            self._check()
        except BaseException:
            self.connection.interrupt()
            running.exception()  # waits until the statement has really ended
            raise


def translated(error: Exception) -> Exception:
    """DuckDB's own troubles as errors that tell a person what to do."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, duckdb.OutOfMemoryException):
        hint = "Raise the engine's memory limit, or use the warehouse planner for models of this size."
        return StorageFailed(f"The comparison needs more memory than it may use: {text}", hint=hint)
    if isinstance(error, duckdb.IOException | OSError):
        return StorageFailed(f"A working file could not be written or read: {text}")
    return error


@contextmanager
def duck(workdir: str | Path, *, memory_mb: int, threads: int, check: Check) -> Iterator[Duck]:
    """A connection whose files vanish with it."""
    limits = Limits(max(_LEAST_MB, memory_mb - _BESIDE_MB), threads)
    with scratch(workdir, "duck-") as folder, instances.lend(limits, folder) as connection:
        bench = Duck(connection, check)
        try:
            yield bench
        finally:
            bench.close()


def quoted(name: str) -> str:
    """An identifier for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """A string literal for DuckDB."""
    return "'" + str(text).replace("'", "''") + "'"


def never() -> None:
    """A check that never stops anything."""
