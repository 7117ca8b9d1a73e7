"""How a process that moves rows treats its memory."""

from __future__ import annotations

import gc

import pyarrow as pa

# New objects after which Python looks for those that only lead to themselves.
_OBJECTS = 20_000


def settle_in() -> None:
    """Once, when all that stays is loaded and the work begins.

    What a process begins with is not looked through again and again: that took a fifth of a delivery. Columns are
    allocated as everything else is: Arrow's own pool gives pages back at once only to ask for them anew, which took a
    tenth of a delivery and held a fifth more memory. Every request makes some hundred objects, few of which lead to
    themselves: looking for those after 700, as Python does, took another tenth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS)
    pa.set_memory_pool(pa.system_memory_pool())
