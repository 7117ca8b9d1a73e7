"""Ctrl-C while rows are on their way: everything ends in time, and the next start delivers the rest."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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


def test_ctrl_c_while_rows_are_on_their_way(work_dir: Path, data_dir: Path, slow_system: SlowSystem) -> None:
    table = work_dir / "people.csv"
    table.write_text("id,name\n" + "".join(f"{number},Person {number}\n" for number in range(ROWS)))
    env = {
        "HEADRACE_PORT": str(ports.choose(None)),
        "HEADRACE_OUTBOUND_ALLOW": slow_system.address,
        "HEADRACE_LOCAL_FILES_ROOTS": str(work_dir),
    }
    first = Terminal(data_dir, **env)
    first.wait_for("Ready after")
    command = [sys.executable, "-m", "tests.config.slow_sync", "people.csv", f"http://{slow_system.address}"]
    subprocess.run(command, cwd=CHECKOUT, env=clean_env(data_dir, **env), check=True)
    assert slow_system.asked.wait(timeout=60), first.text
    assert first.end(signal.SIGINT) < END_LIMIT
    assert first.process.returncode == 0
    assert processes_of(data_dir) == []

    slow_system.let_go.set()
    second = Terminal(data_dir, **env)
    # Rows of the first start may only now be counted: the second must be up before it can be asked to end.
    second.wait_for("Ready after")
    wait_until(lambda: len(slow_system.arrived) == ROWS, 90, f"all rows arrive; {second.text}")
    assert second.end(signal.SIGINT) < END_LIMIT
