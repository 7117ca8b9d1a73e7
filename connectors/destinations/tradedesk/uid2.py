"""Unified ID 2.0: from hashed e-mail addresses and phone numbers to the IDs that The Trade Desk knows people by.

https://unifiedid.com/docs/endpoints/post-identity-map and
https://unifiedid.com/docs/getting-started/gs-encryption-decryption
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.rest import Line
from connectors.sdk.rows import dumps

VERSION, IV, NONCE = b"\x01", 12, 8
STAMP = 8 + NONCE  # in front of what is said: when, and the nonce
KINDS = ("email_hash", "phone_hash")
_SHA256 = re.compile(r"[0-9a-f]{64}")
Asked = tuple[str, str]  # kind and hash


def in_base64(value: str) -> str:
    """A SHA-256 in hexadecimal digits as both services want it; others are in Base64 already."""
    return base64.b64encode(bytes.fromhex(value)).decode() if _SHA256.fullmatch(value) else value


class Envelope:
    """Encrypts a question, and decrypts the answer to it."""

    def __init__(self, secret: str) -> None:
        try:
            self._cipher = AESGCM(base64.b64decode(secret, validate=True))
        except ValueError as error:
            raise ConfigError("The UID2 secret is not a key in Base64.", field="uid2_secret") from error
        self._nonce = secrets.token_bytes(NONCE)

    def sealed(self, body: Any) -> bytes:
        """The question as it is sent."""
        start = secrets.token_bytes(IV)
        plain = (time.time_ns() // 1_000_000).to_bytes(8, "big") + self._nonce + dumps(body)
        return base64.b64encode(VERSION + start + self._cipher.encrypt(start, plain, None))

    def opened(self, answer: bytes) -> Any:
        """The answer, if it is one to this question."""
        try:
            told = base64.b64decode(answer)
            plain = self._cipher.decrypt(told[:IV], told[IV:], None)
        except (ValueError, InvalidTag) as error:
            raise InternalError("The answer of the UID2 operator cannot be decrypted.") from error
        if plain[8:STAMP] != self._nonce:
            raise InternalError("The answer of the UID2 operator belongs to another question.")
        return json.loads(plain[STAMP:])


async def look_up(line: Line, config: Mapping[str, Any], asked: Sequence[Asked]) -> dict[Asked, tuple[str, str]]:
    """For each hash its UID2, or why there is none."""
    wanted = list(dict.fromkeys(asked))
    if not wanted:
        return {}
    body = {kind: [value for known, value in wanted if known == kind] for kind in KINDS}
    envelope = Envelope(str(config["uid2_secret"]))
    response = await line.send(
        "POST",
        f"{config['uid2_operator']}/v3/identity/map",
        body=envelope.sealed({kind: values for kind, values in body.items() if values}),
        content_type="text/plain",
        headers={"Authorization": f"Bearer {config['uid2_key']}"},
    )
    told = envelope.opened(response.body)["body"]
    return {
        (kind, value): (each.get("u") or "", each.get("e") or "")
        for kind, values in body.items()
        for value, each in zip(values, told.get(kind) or () if values else (), strict=True)
    }
