"""PostgreSQL and Valkey for tests: started by the first test process, ended with the last.

Test processes (xdist workers, several people's runs) hold a shared lock while
they live; a small owner process holds the servers and ends once it can take
that lock alone. The kernel drops locks of killed processes, so nothing leaks.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from config.embedded import Urls
from config.embedded.services import running_urls

CHECKOUT = Path(__file__).resolve().parents[2]


class ServicesUnavailable(Exception):
    """The owner process could not start the servers; the message is its own."""


def shared_dir() -> Path:
    """Folder of the shared servers: in the checkout, or a private one where that is not ours."""
    inside = CHECKOUT / ".data" / "test"
    try:
        inside.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        pass
    else:
        if os.access(inside, os.W_OK) and inside.stat().st_uid == os.geteuid():
            return inside
    outside = Path(tempfile.gettempdir()) / f"headrace-test-{os.geteuid()}"
    outside.mkdir(mode=0o711, exist_ok=True)
    return outside


class Lease:
    """This process's use of the shared servers, until :meth:`end` or its death."""

    def __init__(self) -> None:
        self.folder = shared_dir()
        self._users = _open_lock(self.folder / "users.lock")

    def take(self) -> Urls:
        """Addresses of the running servers, started if nobody has yet."""
        starting = _open_lock(self.folder / "start.lock")
        try:
            fcntl.flock(starting, fcntl.LOCK_EX)
            fcntl.flock(self._users, fcntl.LOCK_SH)  # waits for an owner that is just ending
            return running_urls(self.folder) or self._start_owner()
        finally:
            os.close(starting)

    def end(self) -> None:
        os.close(self._users)

    def _start_owner(self) -> Urls:
        with (self.folder / "owner.log").open("wb") as log:
            owner = subprocess.Popen(
                [sys.executable, "-m", "tests.support.services_owner", str(self.folder)],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert owner.stdout is not None
        with owner.stdout:
            said = owner.stdout.readline().decode().strip()
        urls = running_urls(self.folder)
        if said != "ready" or urls is None:
            owner.wait()
            raise ServicesUnavailable(said or (self.folder / "owner.log").read_text())
        owner.returncode = 0  # it outlives this process on purpose: no ResourceWarning
        return urls


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
