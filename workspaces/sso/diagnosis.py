"""Why a sign-in through an identity provider failed, in words for the person and for the admin who can mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.errors import HeadraceError


@dataclass(frozen=True, slots=True)
class Explanation:
    """``title`` is for whoever signs in, ``remedy`` for who set the connection up."""

    title: str
    remedy: str


EXPLANATIONS: Mapping[str, Explanation] = {
    "not_yours": Explanation(
        "This answer belongs to a sign-in that was not begun in this browser, or that took too long.",
        "Begin again from the sign-in page. To start from a tile at the identity provider, allow sign-ins that begin "
        "there on the single sign-on page.",
    ),
    "replayed": Explanation(
        "This answer of the identity provider was used before.",
        "Begin again. Each answer counts once; going back in the browser sends an old one.",
    ),
    "unreadable": Explanation(
        "The identity provider's answer could not be read.",
        "Check that the provider sends its answer to the address shown on the single sign-on page, by POST.",
    ),
    "refused": Explanation(
        "The identity provider refused the sign-in.",
        "Check that the person is assigned to the application there. Its own words are below.",
    ),
    "signature": Explanation(
        "The identity provider's answer is not signed with a certificate that is known here.",
        "The provider may have a new signing certificate: add it on the single sign-on page beside the old one. "
        "Answers and assertions must be signed with SHA-256 or better.",
    ),
    "certificate_expired": Explanation(
        "The identity provider's certificate has run out.",
        "Download the provider's current signing certificate and replace the one on the single sign-on page.",
    ),
    "audience": Explanation(
        "The identity provider's answer is meant for another application.",
        "Copy the entity ID from the single sign-on page into the provider's audience (or identifier) field; "
        "it must be the same to the letter.",
    ),
    "destination": Explanation(
        "The identity provider sent its answer to an address that is not this one.",
        "Copy the reply address from the single sign-on page into the provider. If the addresses are the same, check "
        "HEADRACE_BASE_URL.",
    ),
    "issuer": Explanation(
        "The answer comes from another identity provider than the one that was set up.",
        "Compare the provider's entity ID (issuer) on the single sign-on page with the one that the provider shows.",
    ),
    "time": Explanation(
        "The identity provider's answer is too old, or from the future.",
        "Begin again. If it stays, set the clocks of the provider and of this installation; they may differ by "
        "a few minutes at most.",
    ),
    "no_subject": Explanation(
        "The identity provider did not say who you are.",
        "Let it send a stable, unique NameID (SAML) or sub (OpenID Connect).",
    ),
    "missing_attributes": Explanation(
        "The identity provider did not send your e-mail address or name.",
        "Add the attributes (claims) named below to the application there, or say on the single sign-on page how "
        "they are called.",
    ),
    "bad_email": Explanation(
        "What the identity provider sent as e-mail address is none.",
        "Map the attribute to the person's e-mail address in the provider.",
    ),
    "foreign_address": Explanation(
        "Your e-mail address is in none of your organization's domains.",
        "Prove the address's domain on the single sign-on page, or let the provider's other addresses in there.",
    ),
    "deactivated": Explanation(
        "Your account was deactivated by your organization.",
        "Activate the person at the identity provider, if it pushes people here. Otherwise the operator of this "
        "installation can activate the account again.",
    ),
    "token": Explanation(
        "The identity provider's token is not valid.",
        "Check the client ID, and that the provider signs ID tokens with RS256, PS256, ES256 or EdDSA.",
    ),
    "unreachable": Explanation(
        "The identity provider could not be asked.",
        "Check the issuer's address, and that this installation may reach it. Its own words are below.",
    ),
    "client": Explanation(
        "The identity provider did not accept this application.",
        "Check the client ID, the client secret and the redirect address registered there.",
    ),
    "off": Explanation(
        "Single sign-on is not turned on for this organization.",
        "An organization admin turns it on after a test on the single sign-on page.",
    ),
}


class SignInFailed(HeadraceError):
    """A sign-in through an identity provider that came to nothing; ``failure`` is a key of ``EXPLANATIONS``."""

    code = "sso_failed"
    status = 403

    def __init__(self, failure: str, *, words: str = "", said: Mapping[str, Any] | None = None) -> None:
        self.failure = failure
        self.words = words[:1000]
        self.said = dict(said or {})
        explanation = EXPLANATIONS[failure]
        super().__init__(explanation.title, hint=explanation.remedy)
