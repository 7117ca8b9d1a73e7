"""Large grids over one piece of code: ``make test`` takes some of their cells, ``make test-all`` every one.

Which ones is decided by what a cell is about, never by chance or by hand, so that each run takes the same, and every
value of each axis is taken somewhere. See docs/adr/0026-grids.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

WHOLE = os.environ.get("TEST_ALL") == "1"
# What a run that is not whole says at its end.
LEFT = (
    "axe read each page in one of its two looks (wide and light, or narrow and dark), which its address decides",
    "each route refused one of the roles that lack its right, which its name decides",
    "each operation of the REST API was asked two things instead of ten",
)


def one_of(cells: Sequence[T], name: str) -> Sequence[T]:
    """The cell that this name decides for; all of them in a whole run."""
    return cells if WHOLE or not cells else [cells[crc32(name.encode()) % len(cells)]]


def told() -> list[str]:
    """What was left out, in words, for the end of a run."""
    if WHOLE:
        return ["nothing was left out"]
    return [*(f"- {line}" for line in LEFT), "`make test-all` takes every cell."]
