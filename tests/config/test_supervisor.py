"""One command runs everything, and takes everything with it when it ends: see also ``test_life``."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.supervisor.children import Child
from tests.config.conftest import CHECKOUT, Terminal, clean_env, processes_of, wait_until

pytestmark = pytest.mark.services

# A program that will not end when asked, with a child of its own that will not either.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("ready", os.getpid(), flush=True)
time.sleep(600)
"""
# A worker process with one job under way that looks at `stopping`, or never does.
BUSY_WORKER = """
import sys, time
import dramatiq
from config import worker
from config.queue import stopping

@dramatiq.actor
def busy(obeys):
    print("busy", flush=True)
    while not (obeys and stopping.is_set()):
        time.sleep(0.05)
    print("safe point", flush=True)

busy.send(sys.argv[1] == "obeys")
worker.main()
"""


def test_a_port_in_use_is_named_and_nothing_is_started(work_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        terminal = Terminal(work_dir / "data", HEADRACE_PORT=port)
        assert terminal.process.wait(timeout=20) == 2
    terminal.wait_for(rf"Port {port} .*in use.*HEADRACE_PORT")
    assert not (work_dir / "data" / "postgres").exists()


def test_a_wrong_setting_is_named(work_dir: Path) -> None:
    terminal = Terminal(work_dir / "data", HEADRACE_PORT="eighty")
    assert terminal.process.wait(timeout=20) == 2
    terminal.wait_for("HEADRACE_PORT")


def test_a_child_that_will_not_end_is_killed_with_all_it_started(work_dir: Path) -> None:
    child = Child("stubborn", [sys.executable, "-c", STUBBORN, str(work_dir)], clean_env(work_dir), work_dir)
    child.start()
    wait_until(lambda: len(processes_of(work_dir)) == 2, 10, "both processes run")
    child.ask_to_end()
    child.end_by(time.monotonic() + 0.5)
    wait_until(lambda: not processes_of(work_dir), 5, "both are gone")


def test_a_child_that_keeps_crashing_is_started_later_and_later(work_dir: Path) -> None:
    child = Child("broken", [sys.executable, "-c", "raise SystemExit(3)"], clean_env(work_dir), work_dir)
    child.start()
    began = time.monotonic()

    def crashed_three_times() -> bool:
        child.look_after()
        return child.crashes == 3

    wait_until(crashed_three_times, 20, "third crash")
    assert time.monotonic() - began > 1.5  # 0.5 s and 1 s of waiting


@pytest.mark.parametrize("job", ["obeys", "never looks"])
def test_a_worker_with_a_job_under_way_ends_in_time(job: str, work_dir: Path, redis_slot: object) -> None:
    from django.conf import settings

    env = clean_env(
        work_dir,
        DJANGO_SETTINGS_MODULE="config.settings",
        REDIS_URL=settings.REDIS_URL,
        HEADRACE_QUEUE_REDIS_DB=str(settings.QUEUE_REDIS_DB),
    )
    with subprocess.Popen(
        [sys.executable, "-c", BUSY_WORKER, job], cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "busy\n"
        began = time.monotonic()
        worker.terminate()
        said = worker.stdout.read()
        worker.wait()
    assert time.monotonic() - began < 10
    assert ("safe point" in said) is (job == "obeys")
