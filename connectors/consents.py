"""A person on the way to a service's page and back: what is remembered meanwhile, and what the answer must prove.

The state in the address is a random secret. Under its hash, for ten minutes, stand
the connection, the person, their session and the PKCE verifier; the answer takes
that entry away, so no address works twice, in another session, or for another row.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets as random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from django.core.cache import cache

from config.errors import Conflict, Denied, HeadraceError
from connectors import access
from connectors.addresses import places_of
from connectors.discovery import told
from connectors.models import Connection, OAuthToken
from connectors.sdk.net import Consent
from connectors.sdk.net.consent import new_verifier
from connectors.sdk.tokens import Tokens
from connectors.secrets import decrypt, encrypt
from governance.audit.actors import Actor

STATE_SECONDS = 600
USED_SECONDS = 3_600


class AnswerRefused(HeadraceError):
    """What came back from a service does not belong to a sign-in that this person began here."""

    code = "oauth_answer_refused"
    status = 400


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was begun. ``sealed`` is the encrypted verifier, ``session`` a hash."""

    workspace_id: int
    kind: str
    pk: int
    user_id: int | None
    session: str
    redirect_uri: str
    sealed: str
    places: dict[str, str]


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a connection's sign-in stands: "none", "signed_in", "over" or "moved" (its address changed)."""

    state: str
    token: OAuthToken | None
    host: str

    @property
    def holds(self) -> bool:
        """Whether the tokens can be used."""
        return self.state == "signed_in"


def sign_in_of(connection: Connection) -> SignIn | None:
    """How the sign-in stands, or nothing where people enter credentials instead; costs one statement."""
    if not access.connects(connection):
        return None
    of = {connection.kind.value: connection}
    token = OAuthToken.objects.select_related("connected_by").filter(**of).first()
    places = _places(connection)
    state = "none"
    if token is not None:
        state = "moved" if token.places != places else "over" if token.refused_at else "signed_in"
    return SignIn(state, token, urlsplit(_address_in(places)).hostname or "")


def begin(*, actor: Actor, connection: Connection, redirect_uri: str, session_key: str) -> str:
    """The address of the service's page on which this person may agree, good for ten minutes."""
    access.connection_for(type(connection), actor, connection.pk, access.MANAGE[connection.kind])
    consent = _consent(connection)
    state, verifier = random.token_urlsafe(32), new_verifier()
    pending = Pending(
        workspace_id=connection.workspace_id,
        kind=connection.kind.value,
        pk=connection.pk,
        user_id=actor.user_id,
        session=_hash(session_key),
        redirect_uri=redirect_uri,
        sealed=encrypt({"verifier": verifier}),
        places=_places(connection),
    )
    address = told(connection, lambda: consent.address(redirect_uri=redirect_uri, state=state, verifier=verifier))
    cache.set(_key(state), asdict(pending), STATE_SECONDS)
    return address


def take(state: str, *, actor: Actor, session_key: str) -> Pending:
    """The sign-in that a state belongs to, once; raises :class:`AnswerRefused` for anyone and anything else."""
    key = _key(state)
    kept = cache.get(key)
    # Deleting tells who was first: an answer that arrives twice at once is taken once.
    if kept is None or not cache.delete(key):
        if cache.get(f"{key}:used"):
            raise AnswerRefused("This sign-in was used already.", hint="Begin again from the connection's page.")
        raise AnswerRefused(
            "This sign-in was not begun here, or more than ten minutes ago.",
            hint="Begin again from the connection's page.",
        )
    cache.set(f"{key}:used", 1, USED_SECONDS)
    pending = Pending(**kept)
    if pending.user_id != actor.user_id:
        raise AnswerRefused("Somebody else began this sign-in.", hint="Only who begins it can finish it.")
    if pending.session != _hash(session_key):
        raise AnswerRefused(
            "This sign-in was begun in another browser, or before you signed in to Headrace again.",
            hint="Begin again from the connection's page, and stay in this browser.",
        )
    return pending


def exchange(connection: Connection, pending: Pending, answer: Mapping[str, str]) -> Tokens:
    """The tokens for the code in the address that the person came back to; to be called outside any transaction."""
    if _places(connection) != pending.places:
        raise Conflict("The connection's addresses were changed during the sign-in.", hint="Connect again.")
    consent, verifier = _consent(connection), decrypt(pending.sealed)["verifier"]
    code = consent.code_in(answer)
    asked = consent.exchange(code=code, redirect_uri=pending.redirect_uri, verifier=verifier)
    return told(connection, lambda: asyncio.run(asked))


def _consent(connection: Connection) -> Consent:
    consent = told(connection, lambda: access.open_connection(connection).consent())
    if consent is None:
        raise Denied("This connection signs in with its settings, not through the service's page.")
    return consent


def _places(connection: Connection) -> dict[str, str]:
    return places_of(access.fields_of(connection.kind, connection.type), connection.config)


def _address_in(places: dict[str, str]) -> str:
    """The service's page among the addresses, for the words on ours."""
    return next((place for path, place in places.items() if path.endswith("auth_url")), "")


def _key(state: str) -> str:
    return f"oauth:{_hash(state)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
