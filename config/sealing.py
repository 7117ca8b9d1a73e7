"""Encryption of what the database keeps secret, under the installation's own keys.

Tokens are Fernet (AES-128-CBC with HMAC-SHA256) under ``settings.SECRET_KEYS``,
newest first: the first key encrypts, all of them decrypt, so that a key is
replaced by putting a new one in front and running ``manage.py rotate_secrets``.
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from config.errors import HeadraceError


class UnreadableSecret(HeadraceError):
    """None of the configured keys decrypts a stored secret."""

    code = "secret_unreadable"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "The stored credentials cannot be decrypted with the configured keys.",
            hint="Put the key they were encrypted with back into HEADRACE_SECRET_KEYS, or replace the credentials.",
        )


def seal(text: str) -> str:
    """A text as a token; nothing for nothing."""
    return _keys().encrypt(text.encode()).decode() if text else ""


def unseal(token: str) -> str:
    """The text of a token."""
    if not token:
        return ""
    try:
        return _keys().decrypt(token.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret from None


def reseal(token: str) -> str:
    """The same text under the newest key."""
    if not token:
        return ""
    try:
        return _keys().rotate(token.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret from None


def is_newest(token: str) -> bool:
    """Whether the newest key alone reads a token, so that no older one is needed for it."""
    try:
        Fernet(settings.SECRET_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SECRET_KEYS])
