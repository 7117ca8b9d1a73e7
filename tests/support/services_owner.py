"""The process that holds the shared test servers: ``python -m tests.support.services_owner FOLDER``."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from config.embedded import EmbeddedError, EmbeddedServices
from tests.support.databases import drop_leftovers


def main(folder: Path) -> int:
    """Start, say "ready" on standard output, and stay until no test process is left."""
    signal.signal(signal.SIGTERM, _end)
    users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    services = EmbeddedServices(folder, durable=False)
    try:
        urls = services.start()
        drop_leftovers(urls.database_url)
    except EmbeddedError as error:
        print(str(error).replace("\n", " "), flush=True)
        return 1
    try:
        print("ready", flush=True)
        # The terminal or pipe of whoever started us must not wait for us.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        fcntl.flock(users, fcntl.LOCK_EX)
    finally:
        services.stop()
    return 0


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
