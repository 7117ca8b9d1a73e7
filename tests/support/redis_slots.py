"""A pair of Redis databases for this test process alone (cache, queue)."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import redis


@dataclass(frozen=True, slots=True)
class Slot:
    """Two databases held by a lock until the process ends."""

    cache_db: int
    queue_db: int
    lock: int

    def release(self) -> None:
        os.close(self.lock)


def claim_slot(url: str, folder: Path) -> Slot:
    """Take the first free pair and empty it."""
    with redis.Redis.from_url(url) as client:
        databases = int(client.config_get("databases")["databases"])
    for number in range(databases // 2):
        handle = os.open(folder / f"redis-slot-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        slot = Slot(cache_db=2 * number, queue_db=2 * number + 1, lock=handle)
        for database in (slot.cache_db, slot.queue_db):
            with redis.Redis.from_url(url, db=database) as client:
                client.flushdb()
        return slot
    raise RuntimeError(f"All {databases // 2} pairs of Redis databases are taken by other test processes")
