"""DuckDBs that a process has started, lent to one user at a time.

Starting one takes about 15 ms, more than all statements of a small stage. What a user makes is in a database of its own
that goes with them, so that the next one finds nothing of it.
"""

from __future__ import annotations

import atexit
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import duckdb

# Of those that nobody uses; each takes about 5 MB and some threads that sleep.
MOST = 4
_DESK = "desk"
_LAY = f"ATTACH ':memory:' AS {_DESK}; USE {_DESK}; SET TimeZone = 'UTC'"
# Along with what it kept of files that were read.
_CLEAR = f"DETACH {_DESK}; SET enable_external_file_cache = false; SET enable_external_file_cache = true"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one may take, and whether rows of files come in the files' order where a query asks for none."""

    memory_mb: int
    threads: int
    in_order: bool = False


class Instances:
    """Those that nobody uses; the one that was used last goes first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: deque[tuple[Limits, duckdb.DuckDBPyConnection]] = deque()

    @contextmanager
    def lend(self, limits: Limits, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to an empty database in memory, which may spill into the folder ``spill``.

        One that was left with an error, or that has spilled and holds that folder for ever, is not used again.
        """
        instance = self._take(limits) or _start(limits)
        try:
            instance.execute("SET temp_directory = $folder", {"folder": str(spill)})
            with instance.cursor() as connection:
                connection.execute(_LAY)
                yield connection
            instance.execute(_CLEAR)
        except BaseException:
            instance.close()
            raise
        if any(spill.iterdir()):
            instance.close()
        else:
            self._give(limits, instance)

    def close(self) -> None:
        """End all that nobody uses."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()

    def _take(self, limits: Limits) -> duckdb.DuckDBPyConnection | None:
        with self._lock:
            for entry in reversed(self._idle):
                if entry[0] == limits:
                    self._idle.remove(entry)
                    return entry[1]
        return None

    def _give(self, limits: Limits, instance: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            self._idle.append((limits, instance))
            while len(self._idle) > MOST:
                self._idle.popleft()[1].close()


def _start(limits: Limits) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        config={
            "memory_limit": f"{limits.memory_mb}MB",
            "threads": limits.threads,
            "preserve_insertion_order": limits.in_order,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )


instances = Instances()
atexit.register(instances.close)
