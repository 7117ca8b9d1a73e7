"""Connections that a request or job is done with, kept for the next one of this process (ADR 22)."""

from __future__ import annotations

import atexit
import time
from collections import deque
from threading import Lock
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

# Of those that nobody uses. More that are open at once are closed after use.
MOST = 8
IDLE_SECONDS = 60.0
# Scope, time zone, temporary tables, cursors and locks of whoever had it before. Answers only where the server does.
FORGET = "DISCARD ALL"

Connection = psycopg.Connection[Any]
Place = tuple[object, ...]


class Kept:
    """Connections that nobody uses; the one that was used last goes first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: deque[tuple[float, Place, Connection]] = deque()

    def take(self, place: Place) -> Connection | None:
        """One to this place that works and knows nothing of its past, if there is one."""
        while connection := self._pop(place):
            try:
                connection.execute(FORGET)
            except psycopg.Error:  # the server was restarted, or ended it
                connection.close()
            else:
                return connection
        return None

    def give(self, place: Place, connection: Connection) -> None:
        """Keep it; close it where it is in the middle of something, and those that are too many or too old."""
        if connection.info.transaction_status != TransactionStatus.IDLE or not connection.autocommit:
            connection.close()
            return
        now = time.monotonic()
        with self._lock:
            self._idle.append((now, place, connection))
            while len(self._idle) > MOST or self._idle[0][0] < now - IDLE_SECONDS:
                self._idle.popleft()[2].close()

    def close(self) -> None:
        """Close all: the database is about to go away, or this process is."""
        with self._lock:
            while self._idle:
                self._idle.pop()[2].close()

    def _pop(self, place: Place) -> Connection | None:
        with self._lock:
            while self._idle:
                _, known, connection = self._idle.pop()
                if known == place:
                    return connection
                connection.close()
        return None


kept = Kept()
atexit.register(kept.close)
