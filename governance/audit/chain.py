"""How entries are chained, so that nothing can be changed, left out, put in or moved unseen.

Each organization has one chain. An entry's digest is over everything it says, in
one canonical form (RFC 8785), and a random salt; its link is over the link before
it, its place in the chain and its digest:

    digest = SHA-256(salt ‖ canonical JSON of the entry)
    link   = SHA-256(link before ‖ place as 8 bytes, big-endian ‖ digest)

The head of the chain (and where it begins, after a purge) is signed with a key
derived from ``HEADRACE_SECRET_KEYS``, which is not in the database. The salt keeps
a digest from giving away what stood there once a value was erased.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.conf import settings

from governance.audit.models import AuditChain, AuditEntry

BEGINNING = bytes(32)  # the link before the first entry
SALT_BYTES = 16
_SAFE_INTEGER = 2**53 - 1
_PURPOSE = b"headrace audit chain"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The link at one place of a chain, for keeping outside of the installation."""

    sequence: int
    link: bytes

    def __str__(self) -> str:
        return f"{self.sequence}:{self.link.hex()}"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """What ``str()`` made; ``ValueError`` for anything else."""
        place, _, link = text.strip().partition(":")
        if not (place.isascii() and place.isdecimal() and len(place) < 19 and len(link) == 64):
            raise ValueError("A checkpoint is a number, a colon and 64 hexadecimal digits.")
        return cls(int(place), bytes.fromhex(link))


def content_of(entry: AuditEntry) -> dict[str, Any]:
    """Everything an entry says, as exports and streams show it and its digest covers it."""
    return {
        "id": str(entry.pk),
        "organizationId": _id(entry.organization_id),
        "workspaceId": _id(entry.workspace_id),
        "at": entry.at.isoformat(),
        "event": entry.event,
        "actor": {
            "kind": entry.actor_kind,
            "id": _id(entry.actor_id),
            "label": entry.actor_label,
            "userId": _id(entry.user_id),
        },
        "resource": {
            "type": entry.resource_type,
            "id": _id(entry.resource_id),
            "label": entry.resource_label,
        },
        "before": entry.before,
        "after": entry.after,
        "correlationId": entry.correlation_id,
    }


def new_salt() -> bytes:
    """Random bytes that make a digest say nothing of what it is over."""
    return secrets.token_bytes(SALT_BYTES)


def digest_of(entry: AuditEntry, salt: bytes) -> bytes:
    """The digest of what an entry says now."""
    return hashlib.sha256(salt + canonical(content_of(entry))).digest()


def link_of(before: bytes, sequence: int, digest: bytes) -> bytes:
    """The link of an entry that follows the link ``before``."""
    return hashlib.sha256(before + sequence.to_bytes(8, "big") + digest).digest()


def canonical(value: Any) -> bytes:
    """One spelling of a JSON value, whatever order its keys came in (RFC 8785).

    Whole numbers beyond 2⁵³ have no such spelling; they are taken as text.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.IntegerDomainError:
        return rfc8785.dumps(_with_large_numbers_as_text(value))


def sign(chain: AuditChain) -> None:
    """Put the signature of the newest key on a chain's head."""
    key = _keys()[0]
    chain.signed_with, chain.signature = _name(key), _signature(chain, key)


def signature_holds(chain: AuditChain) -> bool | None:
    """Whether the signature is that of this head; ``None`` where its key is no longer configured."""
    key = next((key for key in _keys() if _name(key) == chain.signed_with), None)
    if key is None:
        return None
    return hmac.compare_digest(bytes(chain.signature), _signature(chain, key))


def _signature(chain: AuditChain, key: bytes) -> bytes:
    said = {
        "organization": chain.organization_id,
        "sequence": chain.sequence,
        "head": bytes(chain.head).hex(),
        "startSequence": chain.start_sequence,
        "startHead": bytes(chain.start_head).hex(),
    }
    return hmac.new(key, canonical(said), hashlib.sha256).digest()


def _keys() -> list[bytes]:
    return [hmac.new(key.encode(), _PURPOSE, hashlib.sha256).digest() for key in settings.SECRET_KEYS]


def _name(key: bytes) -> str:
    """Tells keys apart without giving them away."""
    return hashlib.sha256(_PURPOSE + key).hexdigest()[:12]


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


def _with_large_numbers_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_large_numbers_as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_large_numbers_as_text(inner) for inner in value]
    if isinstance(value, int) and abs(value) > _SAFE_INTEGER:
        return json.dumps(value)
    return value
