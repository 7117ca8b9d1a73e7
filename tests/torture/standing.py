"""Where a process stands: the stacks of its threads and of its asyncio tasks, for what hangs."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import traceback
from types import FrameType

SIGNAL = signal.SIGUSR1


def tell_when_asked() -> None:
    """Write to stderr where everything stands when :data:`SIGNAL` comes; to be called by the main thread."""
    signal.signal(SIGNAL, _tell)


def _tell(number: int, frame: FrameType | None) -> None:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, top in sys._current_frames().items():
        print(f"--- thread {names.get(ident, ident)}", file=sys.stderr)
        traceback.print_stack(top, file=sys.stderr)
    for task in [found for found in gc.get_objects() if isinstance(found, asyncio.Task)]:
        task.print_stack(file=sys.stderr)
        print(f"    waits for {task._fut_waiter!r}", file=sys.stderr)  # type: ignore[attr-defined]
    sys.stderr.flush()
