"""Real worker and scheduler processes, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[3]
WORKER = ("-m", "config.worker")
SCHEDULER = ("manage.py", "run_scheduler")


def environment() -> dict[str, str]:
    """The tests' own database, queue and files, as another process is told of them."""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "REDIS_URL": settings.REDIS_URL,
        "HEADRACE_QUEUE_REDIS_DB": str(settings.QUEUE_REDIS_DB),
        "HEADRACE_OUTBOUND_ALLOW": "*",
        "HEADRACE_WORKER_THREADS": "2",
        "HEADRACE_DELIVERY_THREADS": "4",
    }


@contextmanager
def process(command: tuple[str, ...], **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, with ``more`` in its environment; whatever is left of it is killed in the end."""
    started = subprocess.Popen([sys.executable, *command], cwd=ROOT, env={**environment(), **more})
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()


def kill(running: subprocess.Popen[bytes]) -> None:
    """End a process as a crash of its machine would."""
    running.send_signal(signal.SIGKILL)
    running.wait()


def ask_to_end(running: subprocess.Popen[bytes], *, seconds: float = 15.0) -> int:
    """Ctrl-C or a deployment; returns the exit status."""
    running.send_signal(signal.SIGTERM)
    return running.wait(timeout=seconds)
