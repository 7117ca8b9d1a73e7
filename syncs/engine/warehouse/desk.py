"""A warehouse session whose statements run on another thread, so that ``check`` can stop them from this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pyarrow as pa

from connectors.sdk.planner import Statement, WarehouseSession, WarehouseSource, drop_table
from connectors.sdk.source import RowStream
from syncs.engine.duck import Check

_POLL_S = 0.5
_BATCH_ROWS = 20_000
T = TypeVar("T")


class Desk:
    """Runs the statements of one stage."""

    def __init__(self, session: WarehouseSession, check: Check) -> None:
        self.session = session
        self._check = check
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="warehouse")

    def create(self, name: str, statement: Statement) -> None:
        """Make a table, in the place of one that a dead attempt of the same name may have left."""
        self._run(lambda: self.session.execute(drop_table(name)))
        self._run(lambda: self.session.execute(statement))

    def execute(self, statement: Statement) -> int:
        """Run a statement that writes; the number of rows it touched, -1 where unknown."""
        return self._run(lambda: self.session.execute(statement))

    def drop(self, name: str) -> None:
        """Drop a table if it is there."""
        self._run(lambda: self.session.execute(drop_table(name)))

    def rows(self, query: Statement) -> list[tuple[Any, ...]]:
        """All rows of a query that is known to be small."""
        return self._run(lambda: self.session.rows(query))

    def tables(self, prefix: str) -> list[str]:
        """Tables of the planner schema whose names begin so."""
        return self._run(lambda: self.session.tables(prefix))

    def load(self, name: str, batches: pa.RecordBatchReader) -> int:
        """Append to a table."""
        return self._run(lambda: self.session.load(name, batches))

    @contextmanager
    def stream(self, query: Statement) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """A query's rows; ``check`` is asked between batches."""
        with self.session.query(query, batch_rows=_BATCH_ROWS) as stream:
            yield stream.schema, self._checked(stream)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True)

    def _checked(self, stream: RowStream) -> Iterator[pa.RecordBatch]:
        for batch in stream:
            self._check()
            yield batch

    def _run(self, work: Callable[[], T]) -> T:
        self._check()
        running = self._pool.submit(work)
        while True:
            try:
                return running.result(timeout=_POLL_S)
            except TimeoutError:
                self._check_or_cancel(running)

    def _check_or_cancel(self, running: Future[Any]) -> None:
        if running.done():
            return
        try:
            self._check()
        except BaseException:
            self.session.cancel()
            running.exception()  # waits until the statement has really ended
            raise


@contextmanager
def desk(source: WarehouseSource, check: Check) -> Iterator[Desk]:
    """A session of the source for one stage."""
    with source.session() as session:
        opened = Desk(session, check)
        try:
            yield opened
        finally:
            opened.close()
