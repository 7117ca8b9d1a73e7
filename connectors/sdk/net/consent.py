"""OAuth 2 with a person: they go to the service, agree there, and come back with a code.

The authorization code grant (RFC 6749, 4.1), with PKCE S256 (RFC 7636) wherever the service
lets it pass, and always with a state. A connector describes it with a :class:`Consent`; the app sends the person
there, takes the answer, and keeps the tokens.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.sdk.errors import AuthError, ConfigError
from connectors.sdk.net.client import Client, parse_url
from connectors.sdk.net.message import Request, Response
from connectors.sdk.net.oauth import REFUSALS, TokenRequest, token_answer
from connectors.sdk.net.status import words
from connectors.sdk.tokens import ConsentOver, Tokens, TokenVault

# What services answer when a refresh token or code no longer holds; the first is the standard's.
_OVER = frozenset({"invalid_grant", "bad_refresh_token", "bad_verification_code", "token_revoked"})
_GIVEN_UP = "The service gave no refresh token, and the access token it gave has run out or was refused."


def new_verifier() -> str:
    """A PKCE code verifier: 43 characters that nobody can guess."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """What the service may see of a verifier before the code is exchanged (S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How a person lets Headrace into a service.

    ``url`` is the service's page, ``parameters`` what it wants in that address beyond the
    standard; they cannot replace what keeps the exchange safe. ``asking`` says how tokens are
    asked for, ``client`` makes the line on which. ``pkce`` is off for services that refuse it of apps with a secret.
    ``lasting`` names the grant by which a service turns the short-lived token of a code into one that lasts, where
    that takes a second request (Meta).
    """

    url: str
    asking: TokenRequest
    client: Callable[[], Client] = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    pkce: bool = True
    lasting: str = ""

    def address(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Where to send the person's browser."""
        scope = {"scope": self.asking.scope} if self.asking.scope else {}
        fixed = {
            "response_type": "code",
            "client_id": self.asking.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
        }
        if self.pkce:
            fixed |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
        told = self.asking.dialect.told({**scope, **self.parameters, **fixed})
        return str(parse_url(self.url).update_query(told))

    def code_in(self, answer: Mapping[str, str]) -> str:
        """The code that a person came back with, in the parameters of the address."""
        return answer.get(self.asking.dialect.names.get("code", "code"), "")

    async def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens for a code that the person came back with; raises ``AuthError`` in the service's words."""
        hint = "Check the client ID, the client secret and the redirect address registered there, then connect again."
        request = self.asking.exchange(code, redirect_uri, verifier if self.pkce else "")

        def refused(said: str) -> AuthError:
            return AuthError(f"The service gave no access token: {said}", hint=hint)

        tokens = await self._ask(request, code, refused)
        if not self.lasting:
            return tokens
        return await self._ask(self.asking.lengthen(self.lasting, tokens.access), tokens.access, refused)

    async def renew(self, old: Tokens) -> Tokens:
        """New tokens for the refresh token; raises ``ConsentOver`` where the service honours it no longer."""
        if not old.refresh:
            raise ConsentOver(_GIVEN_UP)
        hint = "Check the client ID and the client secret."
        refused = "The service did not renew the access token: {}"
        request = self.asking.refresh(old.refresh)
        fresh = await self._ask(
            request,
            old.refresh,
            lambda said: AuthError(refused.format(said), hint=hint),
            over=lambda said: ConsentOver(refused.format(said)),
        )
        # A service that does not rotate its refresh tokens leaves the old one out of its answer.
        refresh, scope = fresh.refresh or old.refresh, fresh.scope or old.scope
        return Tokens(access=fresh.access, refresh=refresh, expires_at=fresh.expires_at, scope=scope)

    async def _ask(
        self,
        request: Request,
        secret: str,
        refused: Callable[[str], AuthError],
        over: Callable[[str], AuthError] | None = None,
    ) -> Tokens:
        async with self.client() as client:
            client.hide(secret)
            response = await client.send(request)
            if code := self._error_code(response):
                made = over if over is not None and code in _OVER else refused
                raise client.cleaned(made(words(response)))
            if error := client.error_for(response):
                raise error
            return _tokens(token_answer(response, self.asking.dialect))

    def _error_code(self, response: Response) -> str:
        """The service's own code where it refused; some say so with status 200."""
        try:
            answer = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            answer = None
        code = answer.get("error") if isinstance(answer, dict) else None
        if response.status in REFUSALS:
            return str(code or response.status)
        if response.ok and self.asking.dialect.inside and isinstance(answer, dict):
            part = answer.get(self.asking.dialect.inside)
            code = None if isinstance(part, dict) and part.get("access_token") else answer.get("code", "no token")
        return str(code) if response.ok and code else ""


class ConsentTokenSource:
    """Hands out the access token that a person's consent gave; has it renewed when it runs out or is refused."""

    hint = ConsentOver.default_hint

    def __init__(self, consent: Consent, vault: TokenVault | None, prefix: str = "Bearer") -> None:
        self._consent = consent
        self._vault = vault
        self._prefix = prefix
        self._lock = asyncio.Lock()
        self._tokens: Tokens | None = None
        self._refused = ""

    async def header(self, client: Client) -> str:
        """The value for the ``Authorization`` header."""
        async with self._lock:
            if self._tokens is None or not self._usable(self._tokens):
                self._tokens = await self._found()
            client.hide(self._tokens.access)
            return self._written(self._tokens.access)

    def forget(self, header: str) -> None:
        """Renew a token that was refused, unless it has been renewed since."""
        if self._tokens is not None and header == self._written(self._tokens.access):
            self._refused = self._tokens.access

    async def _found(self) -> Tokens:
        if self._vault is None:
            raise ConfigError("Nobody can sign in here: this connection has no place to keep tokens.")
        kept = await self._vault.read()
        return kept if self._usable(kept) else await self._vault.renewed(kept, self._consent.renew)

    def _usable(self, tokens: Tokens) -> bool:
        return not tokens.spent and tokens.access != self._refused

    def _written(self, token: str) -> str:
        return f"{self._prefix} {token}".strip()


def _tokens(answer: Mapping[str, Any]) -> Tokens:
    try:
        lifetime = float(answer["expires_in"])
    except (KeyError, TypeError, ValueError):
        lifetime = 0.0
    return Tokens(
        access=str(answer["access_token"]),
        refresh=str(answer.get("refresh_token") or ""),
        expires_at=time.time() + lifetime if lifetime > 0 else None,
        scope=str(answer.get("scope") or ""),
    )
