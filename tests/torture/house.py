"""Everything a torture needs around it: servers of its own, workers to kill, a receiver, and their addresses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from config.embedded import EmbeddedServices
from tests.torture.standing import SIGNAL

ROOT = Path(__file__).resolve().parents[2]
FULL_DISK_BYTES = 4_000


class Receiver:
    """The receiver's process, from outside."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the answer's JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def shown(self, sync_id: int) -> dict[str, Any]:
        """What a sync has brought."""
        shown: dict[str, Any] = self.call("GET", str(sync_id))
        return shown


class Workers:
    """Worker processes that are killed and started again."""

    def __init__(self, env: Mapping[str, str], number: int, log: Path) -> None:
        self._log = log.open("ab")
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.nursery"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._running = [self._start() for _ in range(number)]
        self._full: set[int] = set()
        self._frozen: dict[int, float] = {}

    def kill(self, index: int, *, full_disk: bool = False) -> None:
        """Crash one and start its successor, on a full disk if wished."""
        self._end(index)
        self._running[index] = self._start(str(FULL_DISK_BYTES) if full_disk else "")
        (self._full.add if full_disk else self._full.discard)(index)

    def freeze(self, index: int, seconds: float) -> None:
        """Stop one where it stands, as a machine does that is suspended or out of breath, until :meth:`thaw`."""
        os.kill(self._running[index], signal.SIGSTOP)
        self._frozen[self._running[index]] = time.monotonic() + seconds

    def thaw(self) -> None:
        """Let those go on whose time has come; they know nothing of what happened meanwhile."""
        for pid in [pid for pid, until in self._frozen.items() if time.monotonic() >= until]:
            del self._frozen[pid]
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def revive(self) -> None:
        """Start those again that ended by themselves."""
        for index, pid in enumerate(self._running):
            if not psutil.pid_exists(pid):
                self._running[index] = self._start()

    def empty_disks(self) -> None:
        """Give those on a full disk room again."""
        for index in tuple(self._full):
            self.kill(index)

    def tell(self) -> None:
        """Have all write into the log where they stand."""
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGNAL)
        time.sleep(2)

    def close(self) -> None:
        """End all."""
        for index in range(len(self._running)):
            self._end(index)
        self._nursery.kill()
        self._nursery.wait()
        self._log.close()

    def __len__(self) -> int:
        return len(self._running)

    def _start(self, argument: str = "") -> int:
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write(f"{argument}\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())

    def _end(self, index: int) -> None:
        pid = self._running[index]
        self._frozen.pop(pid, None)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while psutil.pid_exists(pid):
            time.sleep(0.005)


class Servers:
    """PostgreSQL and Redis of our own, to be killed."""

    def __init__(self, services: EmbeddedServices) -> None:
        self._services = services

    def kill(self, name: str) -> None:
        """Crash the server whose program is called ``name``; it is started again at once."""
        for child in psutil.Process().children():
            if name in child.name():
                child.send_signal(signal.SIGKILL)
                child.wait(10)
        self.revive()

    def revive(self) -> None:
        """Start again what is down."""
        self._services.revive()


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver for the time of the torture."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "tests.torture.receiver", str(port)], cwd=ROOT)
    try:
        _wait_for(port)
        yield Receiver(port)
    finally:
        process.kill()
        process.wait()


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Servers, dict[str, str]]]:
    """Servers with an empty, migrated database, and the environment that leads to them."""
    folder.chmod(0o711)  # root runs PostgreSQL as another user, who must get through
    (folder / "data" / "static").mkdir(parents=True)  # where pages look for collected files
    with EmbeddedServices(folder / "data") as services:
        env = {
            **os.environ,
            **services.env(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "HEADRACE_DATA_DIR": str(folder / "data"),
            "HEADRACE_OUTBOUND_ALLOW": "*",
            "HEADRACE_LOCAL_FILES_ROOTS": str(folder),
            "HEADRACE_WORKER_THREADS": "4",
            "HEADRACE_API_RATE_LIMIT": "10000/10s",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)
        yield Servers(services), env


def _wait_for(port: int) -> None:
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("The receiver did not start.")
