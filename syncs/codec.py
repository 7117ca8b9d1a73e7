"""The engine's frozen values ⇄ the JSON that runs and syncs store."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def dump(value: Any) -> Any:
    """A dataclass of the engine or the SDK as plain JSON values."""
    return msgspec.to_builtins(value)


def load(kind: type[T], stored: Any) -> T:
    """The value that :func:`dump` made the stored JSON of."""
    return msgspec.convert(stored, kind, strict=False)
