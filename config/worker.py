"""Entry point of a worker process: ``python -m config.worker``.

One process, several threads. On SIGTERM it takes no new message and lets jobs
come to their next safe point; what does not get there in time is cut off and
treated like any crash. (``dramatiq config.worker`` works too, without the time limit.)
"""

import os
import signal
import threading
from types import FrameType

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - needs django.setup()
from django.utils.module_loading import autodiscover_modules  # noqa: E402

# Dramatiq reads this when its worker module is imported. More than one message
# a thread would be hoarded here while other workers idle.
os.environ.setdefault("dramatiq_queue_prefetch", str(settings.WORKER_THREADS))

import dramatiq  # noqa: E402

from config.queue import stopping  # noqa: E402

autodiscover_modules("tasks")  # declares every app's actors

SAFE_POINT_SECONDS = 6.0  # how long jobs have to reach their next safe point
HARD_LIMIT_SECONDS = 8.0  # when the process ends whatever its threads are doing


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    asked_to_end = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stopping.set()
        asked_to_end.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    broker = dramatiq.get_broker()
    broker.emit_after("process_boot")
    worker = dramatiq.Worker(broker, worker_threads=settings.WORKER_THREADS)
    worker.start()
    asked_to_end.wait()
    limit = threading.Timer(HARD_LIMIT_SECONDS, os._exit, args=(1,))
    limit.daemon = True
    limit.start()
    worker.stop(timeout=int(SAFE_POINT_SECONDS * 1000))
    broker.close()


if __name__ == "__main__":
    main()
