"""A person on the way to their identity provider and back: what this browser remembers meanwhile.

Kept in the session, so that an answer counts in the browser that asked, and taken away
by the first answer. The provider's SAML answer comes by a POST from another site, which
browsers send no session cookie with; it waits under a ticket until they come back by GET.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from workspaces.models import IdentityProvider
from workspaces.sso.diagnosis import SignInFailed

KEY = "sso"
SECONDS = 900
MOST = 5
TICKET_SECONDS = 120
# Failures of one address that are written down in a time.
MOST_NOTED, NOTED_SECONDS = 30, 60
# How much clocks may differ before a used answer is forgotten.
SKEW_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Pending:
    """One sign-in that was begun. ``test`` names the workspace whose admin only tries the connection out."""

    provider_id: int
    next: str
    at: float
    test: str = ""
    nonce: str = ""
    verifier: str = ""


def remember(request: HttpRequest, name: str, pending: Pending) -> None:
    """Keep a sign-in under the name that its answer will bring back; the oldest go first."""
    kept = {**request.session.get(KEY, {}), name: asdict(pending)}
    newest = sorted(kept.items(), key=lambda pair: pair[1]["at"])[-MOST:]
    request.session[KEY] = dict(newest)


def take(request: HttpRequest, name: str, provider: IdentityProvider) -> Pending:
    """The sign-in that an answer belongs to; it counts once. Raises :class:`SignInFailed` where there is none."""
    kept = dict(request.session.get(KEY, {}))
    found = kept.pop(name, None)
    request.session[KEY] = kept
    if found is None or found["provider_id"] != provider.pk or time.time() - found["at"] > SECONDS:
        raise SignInFailed("not_yours")
    return Pending(**found)


def is_known(request: HttpRequest, name: str) -> bool:
    """Whether this browser began a sign-in of this name."""
    return name in request.session.get(KEY, {})


def park(provider: IdentityProvider, answer: str, relay_state: str) -> str:
    """Keep a SAML answer until the browser comes back; the ticket that finds it."""
    ticket = secrets.token_urlsafe(32)
    cache.set(f"sso-ticket:{ticket}", (provider.pk, answer, relay_state), TICKET_SECONDS)
    return ticket


def unpark(provider: IdentityProvider, ticket: str) -> tuple[str, str]:
    """The answer and relay state of a ticket, once."""
    key = f"sso-ticket:{ticket}"
    found = cache.get(key)
    if found is None or found[0] != provider.pk or not cache.delete(key):
        raise SignInFailed("not_yours")
    return str(found[1]), str(found[2])


def count_once(provider: IdentityProvider, assertion_id: str, until: float) -> None:
    """Raise :class:`SignInFailed` where this assertion was used before."""
    seconds = max(60, int(until - time.time()) + SKEW_SECONDS)
    if not cache.add(f"sso-used:{provider.pk}:{assertion_id}", 1, timeout=seconds):
        raise SignInFailed("replayed")


def may_note_failure(provider: IdentityProvider, address: str) -> bool:
    """Whether to write a failure down: whoever sends made-up answers must not fill the log, which nobody can empty."""
    key = f"sso-failed:{provider.pk}:{address}"
    cache.add(key, 0, NOTED_SECONDS)
    try:
        return cache.incr(key) <= MOST_NOTED
    except ValueError:  # the minute ended in between
        return True


def safe_next(request: HttpRequest, address: str) -> str:
    """A path of our own to go on to, whatever somebody put into the address."""
    own = url_has_allowed_host_and_scheme(address, allowed_hosts=None) and address.startswith("/")
    return address if own else "/"
