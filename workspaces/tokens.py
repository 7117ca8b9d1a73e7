"""Secrets that people carry: API keys and invitation links."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from django.utils.crypto import constant_time_compare, salted_hmac

from workspaces.models import Invitation

KEY_BYTES = 32
PREFIX_LENGTH = 11


@dataclass(frozen=True, slots=True)
class KeySecret:
    """A new API key or SCIM token: ``value`` is shown once, the rest is stored."""

    value: str
    prefix: str
    digest: str


def new_key(kind: str = "hr") -> KeySecret:
    """A key of 256 random bits; ``kind`` begins it, so that people and scanners see what it is."""
    value = f"{kind}_{secrets.token_urlsafe(KEY_BYTES)}"
    return KeySecret(value, value[:PREFIX_LENGTH], digest(value))


def digest(value: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(value.encode()).hexdigest()


def invitation_token(invitation: Invitation) -> str:
    """The part of the invitation's link that proves it."""
    return f"{invitation.pk}-{_signature(invitation)}"


def invitation_id(token: str) -> int | None:
    """The invitation a token speaks of, unproven."""
    head = token.partition("-")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 19 else None


def proves(token: str, invitation: Invitation) -> bool:
    """Whether the token is this invitation's own."""
    return constant_time_compare(token, invitation_token(invitation))


def _signature(invitation: Invitation) -> str:
    return salted_hmac("headrace.invitation", f"{invitation.pk}:{invitation.nonce}", algorithm="sha256").hexdigest()
