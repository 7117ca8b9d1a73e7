"""Stored credentials: encrypted at rest (see :mod:`config.sealing`), readable only by what opens a connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from config.sealing import UnreadableSecret, is_newest, seal, unseal
from config.sealing import reseal as rotate
from connectors.sdk.validation import scrub

__all__ = ["UnreadableSecret", "decrypt", "encrypt", "is_newest", "rotate", "scrub", "set_times"]


def encrypt(values: Mapping[str, Any]) -> str:
    """Secret settings by path as one token; nothing for none."""
    return seal(json.dumps(dict(values), ensure_ascii=False)) if values else ""


def decrypt(token: str) -> dict[str, Any]:
    """The secret settings of a token."""
    values: dict[str, Any] = json.loads(unseal(token)) if token else {}
    return values


def set_times(
    before: Mapping[str, Any], after: Mapping[str, Any], known: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """When each of the ``after`` secrets was set: now where it is new or differs, else as known."""
    return {
        path: known.get(path, now.isoformat()) if path in before and before[path] == value else now.isoformat()
        for path, value in after.items()
    }
