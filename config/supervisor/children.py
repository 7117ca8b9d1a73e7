"""A child process that is kept alive, with its output under its name."""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from config.embedded.process import signal_group, spawn

logger = logging.getLogger("headrace.supervisor")

FIRST_BACKOFF = 0.5  # seconds
LONGEST_BACKOFF = 30.0
STEADY = 60.0  # seconds a child must live for its crashes to be forgotten
NAME_WIDTH = 10
CHECK_INTERVAL = 0.2  # seconds


class Child:
    """One program under supervision.

    Must be started from the main thread: the kernel ends the child when the
    thread that started it ends.
    """

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self.name = name
        self.crashes = 0
        self._command = command
        self._env = env
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._due = 0.0
        self._printer: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start now."""
        # If the supervisor is killed, the database goes with it: nothing is left to finish.
        self._process = spawn(
            self._command, env=self._env, output=subprocess.PIPE, cwd=self._cwd, death_signal=signal.SIGKILL
        )
        self._started = time.monotonic()
        assert self._process.stdout is not None
        self._printer = threading.Thread(target=_copy_lines, args=(self.name, self._process.stdout), daemon=True)
        self._printer.start()

    def look_after(self) -> None:
        """Start again what has ended by itself, later and later if it keeps ending."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._due:
                self.start()
            return
        status = self._process.poll()
        if status is None:
            return
        signal_group(self._process, signal.SIGKILL)
        self._process = None
        self.crashes = 1 if now - self._started > STEADY else self.crashes + 1
        wait = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (self.crashes - 1))
        self._due = now + wait
        logger.error("%s ended by itself (%s); starting it again in %.1f s", self.name, _describe(status), wait)

    def ask_to_end(self) -> None:
        """Send SIGTERM, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def end_by(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic seconds), then kill it and all it started."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end in time and was killed", self.name)
        signal_group(self._process, signal.SIGKILL)
        self._process.wait()
        if self._printer is not None:
            self._printer.join(timeout=1)
        self._process = None


def run_once(command: Sequence[str], env: Mapping[str, str], cwd: Path, check: Callable[[], None]) -> int:
    """Run a command in the foreground, its output as it is; return its exit status.

    ``check`` is called several times a second and may raise to end it.
    """
    process = spawn(command, env=env, output=None, cwd=cwd, death_signal=signal.SIGKILL)
    try:
        while True:
            check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=CHECK_INTERVAL)
    finally:
        signal_group(process, signal.SIGKILL)
        process.wait()


def _describe(status: int) -> str:
    return f"status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"


def _copy_lines(name: str, stream: IO[bytes]) -> None:
    prefix = f"{name:<{NAME_WIDTH}}| "
    with stream:
        for line in stream:
            sys.stdout.write(prefix + line.decode(errors="replace").rstrip("\n") + "\n")
            sys.stdout.flush()
