"""Entry point of a worker process: ``python -m config.worker``.

One process, two pools of threads: deliveries wait for other systems most of the time,
and must not keep waiting what this machine could do. On SIGTERM it takes no new message and lets jobs
come to their next safe point; what does not get there in time is cut off and
treated like any crash. (``dramatiq config.worker`` works too, without the time limit.)
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import dramatiq  # noqa: E402
from django.conf import settings  # noqa: E402 - needs django.setup()
from django.utils.module_loading import autodiscover_modules  # noqa: E402

from config.memory import settle_in  # noqa: E402
from config.operating.alive import Beating  # noqa: E402
from config.queue import stopping  # noqa: E402

autodiscover_modules("tasks")  # declares every app's actors

DELIVERIES = "deliveries"
SAFE_POINT_SECONDS = 6.0  # how long jobs have to reach their next safe point
HARD_LIMIT_SECONDS = 8.0  # when the process ends whatever its threads are doing


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    asked_to_end = threading.Event()
    settle_in()

    def end(number: int, frame: FrameType | None) -> None:
        stopping.set()
        asked_to_end.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    broker = dramatiq.get_broker()
    broker.emit_after("process_boot")
    # Two pools on one broker are meant: each listens to queues of its own.
    logging.getLogger("dramatiq.broker.RedisBroker").addFilter(lambda line: "same type twice" not in line.getMessage())
    workers = [_pool(broker, queues, threads) for queues, threads in _pools(broker)]
    for worker in workers:
        worker.start()
    with Beating("worker"):
        asked_to_end.wait()
    limit = threading.Timer(HARD_LIMIT_SECONDS, os._exit, args=(1,))
    limit.daemon = True
    limit.start()
    stops = [threading.Thread(target=w.stop, args=(int(SAFE_POINT_SECONDS * 1000),)) for w in workers]
    for stop in stops:
        stop.start()
    for stop in stops:
        stop.join()
    broker.close()


def _pools(broker: dramatiq.Broker) -> Iterator[tuple[set[str], int]]:
    """Queues and threads of each pool."""
    yield {DELIVERIES}, settings.DELIVERY_THREADS
    yield set(broker.get_declared_queues()) - {DELIVERIES}, settings.WORKER_THREADS


def _pool(broker: dramatiq.Broker, queues: set[str], threads: int) -> dramatiq.Worker:
    worker = dramatiq.Worker(broker, queues=queues, worker_threads=threads)
    # More than one message a thread would be hoarded here while other workers idle.
    worker.queue_prefetch = threads
    return worker


if __name__ == "__main__":
    main()
