"""Where workers come from: a process that has everything loaded and forks one for each line it reads.

Starting Python and loading Django takes seconds of a core; a fork takes milliseconds. Nothing here
has connections or threads, so that a fork begins as a fresh process would.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Fork a worker for each line, with its arguments on it, and answer with its process id."""
    from tests.torture import worker

    worker.load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever is killed leaves nothing to wait for
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            worker.main(line.split())
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
