"""Stored credentials: encrypted at rest, readable only by what opens a connection.

Tokens are Fernet (AES-128-CBC with HMAC-SHA256) under ``settings.SECRET_KEYS``,
newest first: the first key encrypts, all of them decrypt, so that a key is
replaced by putting a new one in front and running ``manage.py rotate_secrets``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from config.errors import HeadraceError
from connectors.sdk.validation import scrub

__all__ = ["UnreadableSecret", "decrypt", "encrypt", "rotate", "scrub", "set_times"]


class UnreadableSecret(HeadraceError):
    """None of the configured keys decrypts a stored credential."""

    code = "secret_unreadable"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "The stored credentials cannot be decrypted with the configured keys.",
            hint="Put the key they were encrypted with back into HEADRACE_SECRET_KEYS, or replace the credentials.",
        )


def encrypt(values: Mapping[str, Any]) -> str:
    """Secret settings by path as one token; nothing for none."""
    if not values:
        return ""
    return _keys().encrypt(json.dumps(dict(values), ensure_ascii=False).encode()).decode()


def decrypt(token: str) -> dict[str, Any]:
    """The secret settings of a token."""
    if not token:
        return {}
    try:
        values: dict[str, Any] = json.loads(_keys().decrypt(token.encode()))
    except InvalidToken:
        raise UnreadableSecret from None
    return values


def rotate(token: str) -> str:
    """The same secrets under the newest key."""
    if not token:
        return ""
    try:
        return _keys().rotate(token.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret from None


def set_times(
    before: Mapping[str, Any], after: Mapping[str, Any], known: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """When each of the ``after`` secrets was set: now where it is new or differs, else as known."""
    return {
        path: known.get(path, now.isoformat()) if path in before and before[path] == value else now.isoformat()
        for path, value in after.items()
    }


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SECRET_KEYS])
