"""The server of reverse tunnels in a thread, and real OpenSSH clients that log in there."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.embedded.ports import choose
from connectors.sdk.lending import Desk, Place
from connectors.sdk.net.reverse_server import serve

MISSING = "" if shutil.which("ssh") else "there is no OpenSSH client here (Debian: openssh-client)"
PATIENCE_S = 20.0


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    pause, tries = threading.Event(), int(PATIENCE_S / 0.05)
    if not any(holds() or pause.wait(0.05) for _ in range(tries)):
        raise AssertionError(f"{what} did not come")


def accepts(port: int) -> bool:
    """Whether somebody listens on loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Server:
    """Where clients log in, and whom they shall find there."""

    port: int
    host_key: str
    folder: Path
    clients: list[subprocess.Popen[str]] = field(default_factory=list)

    def connect(self, name: str, private_key: str, *forwards: str) -> subprocess.Popen[str]:
        """Run ``ssh`` as the page tells its reader to."""
        key = self.folder / f"{name}-{len(self.clients)}.pem"
        key.write_text(private_key)
        key.chmod(0o400)
        known = self.folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{self.port} {self.host_key}\n")
        options = {"ExitOnForwardFailure": "yes", "UserKnownHostsFile": known, "StrictHostKeyChecking": "yes"}
        options |= {"BatchMode": "yes", "IdentitiesOnly": "yes", "ServerAliveInterval": 15}
        command = ["ssh", "-F", "none", "-i", str(key), "-p", str(self.port), *forwards]
        command += [part for name_, value in options.items() for part in ("-o", f"{name_}={value}")]
        client = subprocess.Popen(
            [*command, f"{name}@127.0.0.1"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        self.clients.append(client)
        return client

    def lend(self, name: str, private_key: str, port: int, target: int) -> subprocess.Popen[str]:
        """A client that lends ``port`` to a service at ``target``."""
        return self.connect(name, private_key, "-N", "-R", f"0.0.0.0:{port}:127.0.0.1:{target}")


@contextmanager
def running_server(desk: Desk, host_key: tuple[str, str], folder: Path) -> Iterator[Server]:
    """A server that asks ``desk``."""
    port = choose(None)
    ended = asyncio.Event()
    loop = asyncio.new_event_loop()
    work = serve(desk, Place("127.0.0.1", port, "127.0.0.1"), host_key[0], ended)
    thread = threading.Thread(target=loop.run_until_complete, args=(work,), daemon=True)
    thread.start()
    server = Server(port, host_key[1], folder)
    try:
        until(lambda: accepts(port), "the server")
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(timeout=PATIENCE_S)
        for client in server.clients:
            client.kill()
            client.wait()
            assert client.stderr is not None
            client.stderr.close()


needs_ssh = pytest.mark.skipif(bool(MISSING), reason=MISSING)
