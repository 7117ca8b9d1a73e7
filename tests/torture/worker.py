"""A worker process like any other, that also knows the reference destination and gives up leases sooner."""

from __future__ import annotations

import resource
import sys
from datetime import timedelta

from config import worker
from syncs import lease
from syncs.services import stages
from tests.torture.reference import register

LEASE = timedelta(seconds=5)


def main() -> None:
    """Work; with an argument, no file may grow beyond so many bytes, as on a disk that is full."""
    if len(sys.argv) > 1:
        limit = int(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    vars(stages)["LEASE"] = vars(lease)["LEASE"] = LEASE
    lease.MARGIN_SECONDS = 1.5
    register()
    worker.main()


if __name__ == "__main__":
    main()
