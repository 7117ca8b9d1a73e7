"""OpenID Connect: the authorization code flow with PKCE, state and nonce, for one organization's provider."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from django.conf import settings
from django.core.cache import cache
from django.urls import reverse

from config.sealing import unseal
from workspaces.models import IdentityProvider
from workspaces.sso import outbound
from workspaces.sso.claims import Claims, claims_from, values_of
from workspaces.sso.diagnosis import SignInFailed

# Signatures by a key pair only: a shared secret or none must never do.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY_SECONDS = 60
KEPT_SECONDS = 600
# What a token says of itself, and not of the person.
OF_THE_TOKEN = frozenset(
    ["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "auth_time", "jti", "sid", "nonce", "at_hash", "c_hash", "s_hash"]
)
DEFAULT_SCOPES = "openid email profile"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the provider says about itself."""

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str
    basic: bool


def redirect_uri(provider: IdentityProvider) -> str:
    """Where the provider sends people back: an address of this provider alone, so that answers cannot be mixed up."""
    return settings.BASE_URL + reverse("sso_callback", args=[provider.login_name])


def discover(issuer: str) -> Discovery:
    """Read the provider's own description; raises :class:`SignInFailed` where it is not usable."""
    key = "oidc-discovery:" + hashlib.sha256(issuer.encode()).hexdigest()
    document = cache.get(key)
    if document is None:
        document = outbound.fetch_json(issuer.rstrip("/") + "/.well-known/openid-configuration")
        cache.set(key, document, KEPT_SECONDS)
    if document.get("issuer") != issuer:
        raise SignInFailed("issuer", words=f"The provider calls itself “{str(document.get('issuer'))[:200]}”.")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    missing = [name for name in names if not _is_address(document.get(name))]
    if missing:
        raise SignInFailed("unreachable", words=f"Its description names no {', '.join(missing)}.")
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    userinfo = document.get("userinfo_endpoint")
    return Discovery(
        issuer,
        document["authorization_endpoint"],
        document["token_endpoint"],
        document["jwks_uri"],
        userinfo if _is_address(userinfo) else "",
        "client_secret_basic" in methods,
    )


def begin(provider: IdentityProvider, *, state: str, nonce: str, verifier: str) -> str:
    """Where to send the person."""
    found = discover(provider.issuer)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri(provider),
        "scope": provider.scopes or DEFAULT_SCOPES,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{found.authorization}{'&' if urlsplit(found.authorization).query else '?'}{urlencode(query)}"


def read_answer(provider: IdentityProvider, answer: Mapping[str, str], *, nonce: str, verifier: str) -> Claims:
    """Exchange the code of an answer whose state was checked, and read who the person is."""
    found = discover(provider.issuer)
    if answer.get("iss", found.issuer) != found.issuer:
        raise SignInFailed("issuer", words=f"The answer names “{answer['iss'][:200]}”.")
    if "error" in answer:
        raise SignInFailed("refused", words=f"{answer['error']}: {answer.get('error_description', '')}"[:500])
    token, access = _tokens(provider, found, answer.get("code", ""), verifier)
    said = _verified(provider, found, token, nonce)
    subject = str(said.get("sub") or "")
    if _lacks(provider, said) and found.userinfo and access:
        more = outbound.fetch_json(found.userinfo, {"Authorization": f"Bearer {access}"})
        if str(more.get("sub") or "") != subject:
            raise SignInFailed("token", words="The user information belongs to somebody else.")
        said = {**more, **said}
    shown = {name: value for name, value in said.items() if name not in OF_THE_TOKEN}
    attributes = {name: _texts(value) for name, value in said.items()}
    return claims_from(provider, subject, attributes, {"proven": True, "subject": subject, "attributes": shown})


def _tokens(provider: IdentityProvider, found: Discovery, code: str, verifier: str) -> tuple[str, str]:
    if not code:
        raise SignInFailed("unreadable", words="The answer holds no code.")
    secret = unseal(provider.sealed)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(provider),
        "code_verifier": verifier,
    }
    basic = (provider.client_id, secret) if secret and found.basic else None
    if basic is None:
        form["client_id"] = provider.client_id
        form |= {"client_secret": secret} if secret else {}
    status, body = outbound.post_form(found.token, form, basic=basic)
    if status != 200 or not isinstance(body.get("id_token"), str):
        words = f"{body.get('error', status)}: {body.get('error_description', '')}"
        raise SignInFailed("client", words=words[:500])
    return body["id_token"], str(body.get("access_token") or "")


def _verified(provider: IdentityProvider, found: Discovery, token: str, nonce: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        keys = jwt.PyJWKSet.from_dict(outbound.fetch_json(found.keys))
        key = _key(keys, header.get("kid"))
        said: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=provider.client_id,
            issuer=found.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "sub", "iss", "aud"]},
        )
    except jwt.PyJWTError as error:
        raise SignInFailed(_failure_of(error), words=str(error)[:300]) from None
    if said.get("nonce") != nonce:
        raise SignInFailed("not_yours", words="The token belongs to another sign-in.")
    if isinstance(said["aud"], list) and len(said["aud"]) > 1 and said.get("azp") != provider.client_id:
        raise SignInFailed("audience", words="The token was made for several applications, and not for this one.")
    return said


def _key(keys: jwt.PyJWKSet, kid: str | None) -> jwt.PyJWK:
    signing = [key for key in keys.keys if key.public_key_use in (None, "sig") and key.key_type != "oct"]
    fitting = [key for key in signing if kid is None or key.key_id == kid]
    if len(fitting) != 1:
        raise SignInFailed("signature", words="The provider's key set holds no key for this token.")
    return fitting[0]


def _failure_of(error: jwt.PyJWTError) -> str:
    kinds: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
        (jwt.ExpiredSignatureError, "time"),
        (jwt.ImmatureSignatureError, "time"),
        (jwt.InvalidAudienceError, "audience"),
        (jwt.InvalidIssuerError, "issuer"),
        (jwt.InvalidSignatureError, "signature"),
    )
    return next((failure for kind, failure in kinds if isinstance(error, kind)), "token")


def _lacks(provider: IdentityProvider, said: Mapping[str, Any]) -> bool:
    """Whether to ask for more: providers that keep ID tokens small say the rest, groups too, as user information."""
    names = (provider.email_attribute, provider.name_attribute, provider.groups_attribute)
    attributes = {name: _texts(value) for name, value in said.items()}
    return any(values_of(attributes, name) is None for name in names)


def _texts(value: Any) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    return [v if isinstance(v, str) else json.dumps(v) for v in values if v is not None]


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).hostname)
