"""Child processes that never outlive their parent, and how to end them.

A child leads its own session, so a Ctrl-C in the terminal reaches only the
supervisor, which then ends its children in order. On Linux the kernel sends
``death_signal`` when the parent dies, even of ``kill -9``. That signal is tied
to the *thread* that forked: start children from a thread that lives as long
as they should.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Identity:
    """The system user a child runs as."""

    uid: int
    gid: int


def die_with_parent(death_signal: signal.Signals) -> None:
    """Ask the kernel to send this process ``death_signal`` when its parent ends (Linux)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def _bind_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def bind() -> None:
        die_with_parent(death_signal)
        if os.getppid() != parent:  # the parent died before the request took hold
            os._exit(1)

    return bind


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    output: IO[bytes] | int | None,
    cwd: str | Path = "/",
    identity: Identity | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child that leads its own session and dies with this process."""
    return subprocess.Popen(
        list(command),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        user=identity.uid if identity else None,
        group=identity.gid if identity else None,
        extra_groups=[] if identity else None,
        preexec_fn=_bind_to_parent(death_signal),  # noqa: PLW1509 - only async-signal-safe calls inside
    )


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the child and everything in its process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def stop(process: subprocess.Popen[bytes], *, ask: signal.Signals, grace: float) -> None:
    """End one child: ask, wait ``grace`` seconds, then kill its whole group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(ask)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace)
    signal_group(process, signal.SIGKILL)
    process.wait()


def running_as(pid: int, program: str) -> psutil.Process | None:
    """The live process with this id if its program name is ``program``, else ``None``.

    Guards against a process id that was reused for something else.
    """
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE and process.name() == program:
            return process
    except psutil.NoSuchProcess:
        pass
    return None
