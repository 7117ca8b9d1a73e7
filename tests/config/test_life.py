"""The life of one installation: a first start, a crash, Ctrl-C while rows are on their way, a kill, later starts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from config.embedded import ports
from tests.config.conftest import CHECKOUT, END_LIMIT, Terminal, clean_env, processes_of, wait_until

pytestmark = pytest.mark.services

ROWS = 200


class SlowSystem(ThreadingHTTPServer):
    """Takes rows, but answers only once it is let go."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Rows)
        self.arrived: set[int] = set()
        self.asked = threading.Event()
        self.let_go = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """The other side hung up on purpose."""


class _Rows(BaseHTTPRequestHandler):
    server: SlowSystem

    def do_POST(self) -> None:
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.set()
        self.server.let_go.wait()
        self.server.arrived |= set(rows)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def slow_system() -> Iterator[SlowSystem]:
    with SlowSystem() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.let_go.set()
        server.shutdown()
        thread.join()


# Three starts of everything, the first with all migrations.
@pytest.mark.timeout(600)
def test_an_installation_outlives_a_crash_ctrl_c_and_a_kill(work_dir: Path, slow_system: SlowSystem) -> None:
    """What begins in an empty folder is used by each later start, as starting everything takes long."""
    folder = work_dir / "data"
    env = {
        "HEADRACE_PORT": str(ports.choose(None)),
        "HEADRACE_OUTBOUND_ALLOW": slow_system.address,
        "HEADRACE_LOCAL_FILES_ROOTS": str(work_dir),
    }
    first = Terminal(folder, **env)
    first.wait_for("Ready after", 180)
    made = (folder / "postgres" / "PG_VERSION").stat().st_ctime_ns
    a_crashed_worker_is_started_again(first)
    start_slow_sync(work_dir / "people.csv", slow_system, clean_env(folder, **env))
    assert slow_system.asked.wait(timeout=60), first.text
    assert first.end(signal.SIGINT) < END_LIMIT
    assert first.process.returncode == 0
    assert processes_of(folder) == []

    slow_system.let_go.set()
    second = Terminal(folder, **env)
    # Rows of the first start may only now be counted: the second must be up before it can be asked to end.
    second.wait_for("Ready after")
    wait_until(lambda: len(slow_system.arrived) == ROWS, 90, f"all rows arrive; {second.text}")
    second.end(signal.SIGKILL)
    wait_until(lambda: not processes_of(folder), END_LIMIT, "all processes are gone")

    third = Terminal(folder, **env)
    third.wait_for("Ready after")
    assert (folder / "postgres" / "PG_VERSION").stat().st_ctime_ns == made
    assert third.end(signal.SIGTERM) < END_LIMIT
    assert third.process.returncode == 0
    assert processes_of(folder) == []


def a_crashed_worker_is_started_again(terminal: Terminal) -> None:
    def workers() -> list[psutil.Process]:
        return [process for process in processes_of(terminal.folder) if "config.worker" in process.cmdline()]

    (before,) = workers()
    before.kill()
    terminal.wait_for(r"worker-1 ended by itself \(signal SIGKILL\)")
    wait_until(lambda: workers() and workers() != [before], 10, "a new worker runs")


def start_slow_sync(table: Path, to: SlowSystem, env: Mapping[str, str]) -> None:
    table.write_text("id,name\n" + "".join(f"{number},Person {number}\n" for number in range(ROWS)))
    command = [sys.executable, "-m", "tests.config.slow_sync", table.name, f"http://{to.address}"]
    subprocess.run(command, cwd=CHECKOUT, env=env, check=True)
