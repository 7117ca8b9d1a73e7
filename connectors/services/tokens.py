"""What a connection writes about its own tokens while it works: no audited change, nobody decided anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from django.utils import timezone as clock

from connectors.models import OAuthToken
from connectors.sdk.tokens import Tokens
from connectors.secrets import encrypt


def note_renewal(of: Mapping[str, int]) -> datetime:
    """Remember, before the request leaves, that a renewal began; the moment."""
    now = clock.now()
    OAuthToken.objects.filter(**of, renewing_since__isnull=True).update(renewing_since=now)
    return now


def keep_renewed(row: OAuthToken, fresh: Tokens) -> Tokens:
    """Store what a renewal brought, on a locked row."""
    put_tokens(row, fresh)
    row.renewed_at = clock.now()
    row.save(update_fields=["sealed", "scope", "expires_at", "renewing_since", "renewed_at"])
    return fresh


def keep_refusal(row: OAuthToken, message: str) -> None:
    """Remember, on a locked row, that the service honours these tokens no longer: it is not asked again."""
    row.refused_at, row.refused_message, row.renewing_since = clock.now(), message[:2_000], None
    row.save(update_fields=["refused_at", "refused_message", "renewing_since"])


def put_tokens(row: OAuthToken, tokens: Tokens) -> None:
    """Seal tokens into an unsaved row."""
    row.sealed = encrypt({"access": tokens.access, "refresh": tokens.refresh})
    row.scope = tokens.scope[:2_000]
    row.expires_at = datetime.fromtimestamp(tokens.expires_at, UTC) if tokens.expires_at else None
    row.renewing_since = None
