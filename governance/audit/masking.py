"""Keeps secrets out of the audit log, whatever a caller hands in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "••••"
_SECRET_NAME = re.compile(r"pass(word|phrase)?|secret|token|api_?key|private|credential|authorization", re.IGNORECASE)


def looks_secret(name: str) -> bool:
    """Whether a field of this name is treated as a secret."""
    return _SECRET_NAME.search(name) is not None


def mask(values: Mapping[str, Any] | None, masked: frozenset[str] = frozenset()) -> dict[str, Any] | None:
    """A copy in which secret-looking and listed fields show only whether they were set."""
    if values is None:
        return None
    return {name: _masked(name, value, masked) for name, value in values.items()}


def _masked(name: str, value: Any, masked: frozenset[str]) -> Any:
    if name in masked or looks_secret(name):
        return MASK if value else value
    if isinstance(value, Mapping):
        return mask(value, masked)
    if isinstance(value, list | tuple):
        return [mask(item, masked) if isinstance(item, Mapping) else item for item in value]
    return value
