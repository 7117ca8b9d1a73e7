"""A worker's hold on a stage, kept alive by a thread and asked before every batch."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from django.db import Error as DatabaseError
from django.db import connection

from config.queue import stopping
from syncs.engine import Cancelled, DestinationStopped, LeaseLost
from syncs.services.stages import LEASE, Claim, Stop, beat
from workspaces.scoping import workspace_scope

logger = logging.getLogger(__name__)
BEAT_SECONDS = 1.0
MARGIN_SECONDS = 3.0
# A delivery asks every second whether it may go on; only what it writes at its end takes longer, by far less than this.
SILENT_SECONDS = 300.0


class Stopped(LeaseLost):
    """This process was asked to end: the stage goes back, for another worker to finish."""


class Lease:
    """Extends a claim every second while the work goes on; also the engine's ``Control``.

    The heartbeat brings back whether the run is to stop, so that asking
    before each batch costs no query.
    """

    def __init__(self, held: Claim) -> None:
        self._held = held
        self._ended = threading.Event()
        self._stop = held.stop
        self._lost = False
        self._valid_until = held.asked_at + LEASE.total_seconds() - MARGIN_SECONDS
        self._rows = 0
        self._asked: float | None = None
        self._worker = threading.get_ident()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{held.step_id}", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    @contextmanager
    def expecting_signs(self) -> Iterator[None]:
        """Inside, work asks now and then whether it may go on; where it falls silent the stage goes to another worker.

        A heartbeat alone would hold a stage for ever whose work stands still.
        """
        self._asked = time.monotonic()
        try:
            yield
        finally:
            self._asked = None

    def check(self) -> None:
        """Return to go on; :class:`Cancelled`, :class:`LeaseLost` or :class:`Stopped` to stop."""
        self.still_held()
        if self._stop is Stop.CANCELLED:
            raise Cancelled("The run was cancelled.")
        if self._stop is Stop.DESTINATION:
            raise DestinationStopped("The destination was stopped while the run was going on.")
        if stopping.is_set():
            raise Stopped("This worker is ending.")

    async def proceed(self) -> None:
        """The engine asks before every batch."""
        self.check()

    def still_held(self) -> None:
        """:class:`LeaseLost` where the lease ran out; the engine asks before every request."""
        if self._asked is not None:
            self._asked = time.monotonic()
        if self._lost or time.monotonic() > self._valid_until:
            raise LeaseLost("The lease on this stage ran out.")

    def count(self, rows: int) -> None:
        """Note rows as done; the next heartbeat tells."""
        self._rows += rows

    def set_rows(self, rows: int) -> None:
        """Note how many rows are done in all."""
        self._rows = rows

    def _keep(self) -> None:
        with workspace_scope(self._held.workspace_id):
            try:
                while not self._lost and not self._ended.wait(BEAT_SECONDS):
                    self._beat()
            finally:
                connection.close()

    def _beat(self) -> None:
        started = time.monotonic()
        if self._asked is not None and started - self._asked > SILENT_SECONDS:
            self._give_up()
            return
        try:
            self._stop = beat(self._held, self._rows or None) or self._stop
        except LeaseLost:
            self._lost = True
        except DatabaseError:
            logger.warning("stage %s: heartbeat failed, trying again", self._held.step_id)
            connection.close()
        else:
            self._valid_until = started + LEASE.total_seconds() - MARGIN_SECONDS

    def _give_up(self) -> None:
        self._lost = True
        frame = sys._current_frames().get(self._worker)
        logger.error(
            "stage %s of run %s stands still; it goes to another worker. Its thread is at:\n%s",
            self._held.step_id,
            self._held.run_id,
            "".join(traceback.format_stack(frame)) if frame else "?",
        )
