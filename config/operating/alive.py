"""Which workers and schedulers live: each says so in Redis every few seconds."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from types import TracebackType

import redis
from django.conf import settings

from config.queue import queue_pool

logger = logging.getLogger(__name__)
KEY = "headrace:alive"
EVERY_S = 5.0
SILENT_S = 20.0


class Beating:
    """While the block runs, this process counts as alive in its role ("worker", "scheduler")."""

    def __init__(self, role: str) -> None:
        self._name = f"{role}|{socket.gethostname()}|{os.getpid()}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="alive", daemon=True)

    def __enter__(self) -> Beating:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=EVERY_S)

    def _keep(self) -> None:
        client = connection()
        try:
            while True:
                _quietly(lambda: client.zadd(KEY, {self._name: time.time()}))
                if self._ended.wait(EVERY_S):
                    break
            _quietly(lambda: client.zrem(KEY, self._name))
        finally:
            client.close()


def connection() -> redis.Redis[bytes]:
    """The Redis database of the queue, where all processes meet."""
    return redis.Redis(connection_pool=queue_pool(settings.REDIS_URL, settings.QUEUE_REDIS_DB))


def living() -> Counter[str]:
    """How many processes of each role have been heard of lately; the others are forgotten."""
    client = connection()
    try:
        client.zremrangebyscore(KEY, 0, time.time() - 3600)
        names = client.zrangebyscore(KEY, time.time() - SILENT_S, "+inf")
    finally:
        client.close()
    return Counter(name.decode().partition("|")[0] for name in names)


def _quietly(work: object) -> None:
    """Redis may be away for a while: the next beat tells."""
    try:
        work()  # type: ignore[operator]
    except redis.RedisError as error:
        logger.debug("the sign of life was not taken: %s", error)
