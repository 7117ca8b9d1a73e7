"""Signatures of webhooks, as the Standard Webhooks specification says.

Receivers check them with any of that specification's libraries, or like this::

    expected = base64(hmac_sha256(secret, f"{webhook-id}.{webhook-timestamp}.{body}"))
    "v1," + expected  in  webhook-signature (several, separated by spaces, while a secret is replaced)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from connectors.sdk.errors import ConfigError

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A secret that signs: ``whsec_`` and 32 random bytes in base 64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signature_headers(signing: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed request; one signature a secret, the newest first."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signed(secret, message_id, timestamp, body) for secret in signing),
    }


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of a body: ``v1,`` and the HMAC-SHA256 in base 64."""
    signing = hmac.new(key_of(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signing.digest()).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign: base 64 after ``whsec_``, else the text itself."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError(f"What follows {PREFIX} is not base 64.", field="signing_secret") from None
