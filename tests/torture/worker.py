"""A worker process like any other, that also knows the reference destination and gives up leases sooner."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module

from tests.torture.standing import tell_when_asked

LEASE = timedelta(seconds=4)
RETRY_DELAYS = (0.5, 1, 3, 10, 30)


def load() -> None:
    """Import what a worker needs, and make it impatient: a round waits mostly for leases to run out."""
    import_module("config.worker")
    import_module("syncs.runner")
    from syncs import lease
    from syncs.services import stages
    from tests.torture.reference import register

    vars(stages)["LEASE"] = vars(lease)["LEASE"] = LEASE
    vars(stages)["RETRY_DELAYS"] = RETRY_DELAYS
    lease.MARGIN_SECONDS, lease.BEAT_SECONDS = 1.2, 0.5
    lease.SILENT_SECONDS = float("inf")  # what stands still is to be found here, not mended
    register()


def main(arguments: Sequence[str]) -> None:
    """Work; with an argument, no file may grow beyond so many bytes, as on a disk that is full."""
    from config import worker

    tell_when_asked()
    if arguments:
        limit = int(arguments[0])
        sys.dont_write_bytecode = True  # half a compiled module would stay when the disk has room again
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    worker.main()
