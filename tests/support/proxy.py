"""A real proxy program (proxy.py) on loopback, with a user and password."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.sdk.net.proxy import Proxy

USER, PASSWORD = "headrace", "pass word:1"
STARTS_IN_S = 30.0


@dataclass(frozen=True)
class RunningProxy:
    """The program. It writes a line for each connection that has ended."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its address as an operator sets it."""
        return f"http://{USER}:pass%20word%3A1@127.0.0.1:{self.port}"

    def proxy(self, *around: str, resolves: bool = False) -> Proxy:
        """It, as the installation uses it."""
        return Proxy.of(self.url, around, resolves=resolves)

    def asked_for(self, target: str) -> bool:
        """Whether a connection to ``host:port`` went through it and has ended, or ends within a few seconds."""
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if f"CONNECT {target} " in self.log.read_text():
                return True
            time.sleep(0.05)
        return False

    def mentions(self, words: str) -> bool:
        """Whether its log has words, at this moment."""
        return words in self.log.read_text()


@contextmanager
def running_proxy(folder: Path) -> Iterator[RunningProxy]:
    """The program, ended afterwards."""
    port_file, log = folder / "port", folder / "proxy.log"
    command = [sys.executable, "-m", "proxy", "--port", "0", "--port-file", str(port_file), "--basic-auth"]
    options = ["--num-workers", "1", "--num-acceptors", "1", "--threaded", "--data-dir", str(folder)]
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [*command, f"{USER}:{PASSWORD}", *options, "--log-file", str(log)], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + STARTS_IN_S
        while not (port_file.exists() and port_file.read_text().strip()):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"The proxy did not start: {(folder / 'out').read_text()}")
            time.sleep(0.05)
        yield RunningProxy(int(port_file.read_text().split()[0]), log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
