"""Real worker and scheduler processes, to be killed.

They are forked from one process of this test process that has everything loaded and nothing begun: loading takes
seconds of a core, which ``tests/config`` pays where starting itself is tested.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[3]
WORKER = ("-m", "config.worker")
SCHEDULER = ("manage.py", "run_scheduler")
_READ = ("HEADRACE_", "DATABASE_URL", "REDIS_URL")
_nursery_told: dict[str, Mapping[str, str]] = {}
Running = subprocess.Popen[bytes] | ForkServerProcess
_nursery = get_context("forkserver")
# What they would load as they start and with their first jobs.
_nursery.set_forkserver_preload(["config.worker", "syncs.runner", "syncs.scheduler", "config.urls"])


def _work(routes: Mapping[str, str]) -> None:
    from config import worker

    settings.OUTBOUND_ROUTES = dict(routes)
    worker.main()


def _schedule(routes: Mapping[str, str]) -> None:
    from django.core.management import call_command

    call_command("run_scheduler")


_FORKED: Mapping[tuple[str, ...], Callable[[Mapping[str, str]], None]] = {WORKER: _work, SCHEDULER: _schedule}


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
def process(command: tuple[str, ...], *, routes: Mapping[str, str] | None = None, **more: str) -> Iterator[Running]:
    """A process of ours, with ``more`` in its environment; whatever is left of it is killed in the end.

    ``routes``: where to go in place of services, by their origins.
    """
    told = {**environment(), **more}
    forks = command in _FORKED and not more and _nursery_knows(told)
    if forks:
        started = _forked(command, told, routes or {})
    else:
        told["HEADRACE_OUTBOUND_ROUTES"] = ",".join(f"{origin}={place}" for origin, place in (routes or {}).items())
        started = _started(command, told)
    try:
        yield started
    finally:
        if _status(started) is None:
            started.kill()
        _wait(started, None)


def _nursery_knows(told: Mapping[str, str]) -> bool:
    """Whether it was told the same; it reads its settings once."""
    ours = {name: value for name, value in told.items() if name.startswith(_READ)}
    return _nursery_told.setdefault("first", ours) == ours


def _started(command: tuple[str, ...], told: Mapping[str, str]) -> Running:
    return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=told)


def _forked(command: tuple[str, ...], told: Mapping[str, str], routes: Mapping[str, str]) -> Running:
    forked = _nursery.Process(target=_FORKED[command], args=(routes,))
    before = dict(os.environ)
    os.environ.update(told)  # for the process that forks, which the first one starts
    try:
        forked.start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return forked


def _status(running: Running) -> int | None:
    return running.poll() if isinstance(running, subprocess.Popen) else running.exitcode


def _wait(running: Running, seconds: float | None) -> None:
    running.wait(seconds) if isinstance(running, subprocess.Popen) else running.join(seconds)


def kill(running: Running) -> None:
    """End a process as a crash of its machine would."""
    running.kill()
    _wait(running, None)


def ask_to_end(running: Running, *, seconds: float = 15.0) -> int | None:
    """Ctrl-C or a deployment; returns the exit status, nothing where it runs on."""
    running.terminate()
    _wait(running, seconds)
    return _status(running)
