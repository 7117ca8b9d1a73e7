"""Tokens that a service gave Headrace after a person agreed, and where they are kept.

The SDK says what it needs of that place; the app keeps the tokens encrypted and
lets one worker at a time renew them, as many services take each refresh token once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.sdk.errors import AuthError

# A token is renewed this long before it runs out, so that it does not expire on the way.
MARGIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An access token, what renews it, and until when it holds (Unix time; unknown where the service says nothing)."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    expires_at: float | None = None
    scope: str = ""

    @property
    def spent(self) -> bool:
        """Whether the access token has run out, or is about to."""
        return self.expires_at is not None and time.time() >= self.expires_at - MARGIN_S


class ConsentOver(AuthError):
    """The service no longer honours what a person agreed to: only a person can renew it."""

    default_hint = "Open the connection and choose Reconnect. Nothing that was set up or synced is lost."


Renew = Callable[[Tokens], Coroutine[Any, Any, Tokens]]


class TokenVault(Protocol):
    """The one place where a connection's tokens are, for all workers."""

    async def read(self) -> Tokens:
        """The tokens as they are now; raises :class:`ConsentOver` where there are none that hold."""

    async def renewed(self, old: Tokens, renew: Renew) -> Tokens:
        """Tokens newer than ``old``: what another worker fetched meanwhile, or what ``renew`` fetches.

        ``renew`` runs in an event loop of its own, for one worker at a time.
        """
