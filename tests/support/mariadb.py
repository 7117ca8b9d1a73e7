"""A real MariaDB for tests: the one that listens on this machine, else one started from Debian's package, else none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql

USUAL = {"host": "127.0.0.1", "port": 3306, "user": "root", "password": ""}
WORDS = "no MariaDB: none listens on 127.0.0.1:3306 for root without a password, and mariadbd is not installed"
_START_SECONDS = 60.0


@contextmanager
def a_server() -> Iterator[dict[str, Any] | None]:
    """How root logs in, or ``None`` where this machine has no MariaDB."""
    if _answers(USUAL):
        yield USUAL
    elif shutil.which("mariadbd") and shutil.which("mariadb-install-db"):
        with tempfile.TemporaryDirectory(prefix="headrace-mariadb-") as folder, _started(Path(folder)) as login:
            yield login
    else:
        yield None


@contextmanager
def _started(folder: Path) -> Iterator[dict[str, Any]]:
    data, who = folder / "data", ["--user=root"] if os.getuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal", *who],
        check=True,
        capture_output=True,
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    login = {**USUAL, "port": port}
    options = [f"--datadir={data}", f"--socket={folder}/s", f"--pid-file={folder}/pid", f"--port={port}"]
    process = subprocess.Popen(["mariadbd", "--no-defaults", "--bind-address=127.0.0.1", *options, *who])
    try:
        late = time.monotonic() + _START_SECONDS
        while not _answers(login):
            assert time.monotonic() < late, "mariadbd did not start"
            assert process.poll() is None, "mariadbd ended"
            time.sleep(0.1)
        yield login
    finally:
        process.terminate()
        process.wait(30)


def _answers(login: dict[str, Any]) -> bool:
    with suppress(pymysql.Error, OSError):
        pymysql.connect(**login, connect_timeout=2).close()
        return True
    return False
