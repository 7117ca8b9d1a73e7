"""Starting a run and following it to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.status import Status

from headrace_cli.client import Client, Json
from headrace_cli.errors import CliError, Exit
from headrace_cli.output import notes, say

POLL_SECONDS = 1.0
# The words of runs of syncs, and "done" for sequences; every other end is a failure.
OUTCOMES = {"success": Exit.OK, "warning": Exit.REJECTED_ROWS, "done": Exit.OK}


def follow_sync_run(client: Client, sync_id: str, run_id: str, *, quiet: bool, timeout: float | None) -> Json:
    """Wait until a run of a sync has ended; the run."""

    def read() -> Json:
        found = client.get(f"/syncs/{sync_id}/runs", runId=run_id)["data"]
        if not found:
            raise CliError(f"Run {run_id} is gone.")
        return dict(found[0])

    return _follow(read, _sync_words, quiet=quiet, timeout=timeout)


def follow_sequence_run(client: Client, run_id: str, *, quiet: bool, timeout: float | None) -> Json:
    """Wait until a run of a sequence has ended; the run."""
    return _follow(
        lambda: client.get(f"/sync-sequences/runs/{run_id}"),
        lambda run: f"{run['status']}",
        quiet=quiet,
        timeout=timeout,
    )


def wait(read: Callable[[], Json], over: Callable[[Json], bool], timeout: float | None) -> Json:
    """Ask until it is over; raises when that takes longer than ``timeout`` seconds."""
    end = time.monotonic() + timeout if timeout else None
    while not over(found := read()):
        if end and time.monotonic() > end:
            raise CliError(f"Not over after {timeout:g} seconds; it goes on at the server.")
        time.sleep(POLL_SECONDS)
    return found


def exit_of(status: str) -> Exit:
    """The exit status for how a run ended."""
    return OUTCOMES.get(status, Exit.ERROR)


def counts(run: Json, name: str) -> dict[str, int]:
    """Added, changed and removed of one outcome."""
    return {operation: int(run[name][f"{operation}Count"]) for operation in ("added", "changed", "removed")}


def _follow(read: Callable[[], Json], words: Callable[[Json], str], *, quiet: bool, timeout: float | None) -> Json:
    shown: AbstractContextManager[Status | None] = nullcontext() if quiet else notes.status("Started")
    held = False
    with shown as status:

        def look() -> Json:
            nonlocal held
            run = read()
            if status is not None:
                status.update(words(run))
            if run.get("held") and not run["finishedAt"] and not held:
                held = True
                say("The run is held: somebody has to release or drop it before anything is sent.")
            return run

        return wait(look, lambda run: run["finishedAt"] is not None, timeout)


def _sync_words(run: Json) -> str:
    planned, done = sum(counts(run, "plannedRows").values()), sum(counts(run, "successfulRows").values())
    return f"{run['status']} · {done:,} of {planned:,} rows" if planned else str(run["status"])


def describe(run: Json) -> str:
    """How a run of a sync ended, in one sentence."""
    done, failed = counts(run, "successfulRows"), sum(counts(run, "failedRows").values())
    numbers = ", ".join(f"{number:,} {name}" for name, number in done.items())
    error: Any = run.get("error")
    return f"{run['status']}: {numbers}, {failed:,} rejected." + (f" {error}" if error else "")
