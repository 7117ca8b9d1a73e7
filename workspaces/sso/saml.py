"""SAML 2.0: where to send a person, and what the provider's answer proves.

All judging of XML and signatures is python3-saml's, in its strict mode; this module
says what it has to insist on and puts its refusals into our words.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.urls import reverse

from config.errors import Invalid
from workspaces.models import IdentityProvider
from workspaces.sso.claims import Claims, claims_from
from workspaces.sso.diagnosis import SignInFailed

# An answer with two thousand groups is well below it.
MOST_BYTES = 1_000_000
MOST_CERTIFICATES = 4
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the provider knows it: whom it named, in which words, and its index there."""

    name_id: str
    name_format: str = ""
    qualifier: str = ""
    sp_qualifier: str = ""
    index: str = ""

    def as_dict(self) -> dict[str, str]:
        """For keeping it where only JSON is kept."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Answer:
    """A sound answer. ``assertion_id`` counts once, until ``until`` (seconds since the epoch) at least."""

    claims: Claims
    assertion_id: str
    until: float
    session: Session


@dataclass(frozen=True, slots=True)
class Certificate:
    """A signing certificate of the provider, as people look at it."""

    pem: str
    subject: str
    expires_at: datetime
    fingerprint: str

    def days_left(self, now: datetime) -> int:
        """Days until it runs out; negative afterwards."""
        return (self.expires_at - now).days


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider's metadata document says about it."""

    entity_id: str
    sso_url: str
    certificates: list[str]
    slo_url: str = ""


def entity_id(provider: IdentityProvider) -> str:
    """Who we are to the provider; where our metadata is, too."""
    return settings.BASE_URL + reverse("sso_metadata", args=[provider.login_name])


def acs_url(provider: IdentityProvider) -> str:
    """Where the provider sends its answers."""
    return settings.BASE_URL + reverse("sso_acs", args=[provider.login_name])


def slo_url(provider: IdentityProvider) -> str:
    """Where the provider sends what concerns signing out."""
    return settings.BASE_URL + reverse("sso_logout", args=[provider.login_name])


def login_url(provider: IdentityProvider) -> str:
    """The address that people may keep: it leads to the provider at once."""
    return settings.BASE_URL + reverse("sso_start", args=[provider.login_name])


def begin(provider: IdentityProvider, relay_state: str) -> tuple[str, str]:
    """Where to send the person, and the id of the request that the answer must name."""
    from onelogin.saml2.auth import OneLogin_Saml2_Auth

    auth = OneLogin_Saml2_Auth(request_at(acs_url(provider)), settings_of(provider))
    address: str = auth.login(return_to=relay_state)
    return address, str(auth.get_last_request_id())


def read_answer(provider: IdentityProvider, encoded: str, request_id: str | None) -> Answer:
    """What an answer proves about whom; raises :class:`SignInFailed`. ``request_id`` is ``None`` for unasked ones."""
    from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
    from onelogin.saml2.response import OneLogin_Saml2_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    if len(encoded) > MOST_BYTES:
        raise SignInFailed("unreadable", words="It is too large.")
    try:
        base64.b64decode(encoded, validate=False)
        response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(settings_of(provider)), encoded)
    except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, ValueError, TypeError, binascii.Error, SyntaxError):
        raise SignInFailed("unreadable") from None
    said = _said(response)
    try:
        response.is_valid(request_at(acs_url(provider)), request_id, raise_exceptions=True)
        subject = response.get_nameid() or ""
    except OneLogin_Saml2_ValidationError as error:
        raise SignInFailed(failure_of(error.code), words=str(error), said=said) from None
    except Exception as error:  # whatever the XML provoked: a library's defect must not let anybody in
        raise SignInFailed("unreadable", words=type(error).__name__, said=said) from error
    if request_id is not None and not _answers(response, request_id):
        raise SignInFailed("not_yours", words="It does not name the request that was sent.", said=said)
    claims = claims_from(provider, subject, response.get_attributes(), {**said, "proven": True})
    until = float(response.get_assertion_not_on_or_after() or 0)
    return Answer(claims, str(response.get_assertion_id()), until, _session_in(response))


def metadata(provider: IdentityProvider) -> str:
    """Our own metadata, for providers that read it."""
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    document = OneLogin_Saml2_Settings(settings_of(provider), sp_validation_only=True).get_sp_metadata()
    return document.decode() if isinstance(document, bytes) else str(document)


def read_metadata(document: bytes) -> Metadata:
    """A provider's own metadata; raises :class:`Invalid` where it is none or lacks something."""
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

    if len(document) > MOST_BYTES:
        raise Invalid.field("metadata", "The file is larger than 1 MB, which no metadata is.")
    try:
        parsed = OneLogin_Saml2_IdPMetadataParser.parse(
            document, required_sso_binding=REDIRECT, required_slo_binding=REDIRECT
        )
    except Exception as error:
        raise Invalid.field("metadata", "This is not the metadata of a SAML identity provider.") from error
    idp: Mapping[str, Any] = parsed.get("idp") or {}
    multi = (idp.get("x509certMulti") or {}).get("signing") or []
    certificates = [pem_of(c) for c in dict.fromkeys([*multi, *([idp["x509cert"]] if idp.get("x509cert") else [])])]
    found = Metadata(
        entity_id=str(idp.get("entityId") or ""),
        sso_url=str((idp.get("singleSignOnService") or {}).get("url") or ""),
        certificates=certificates,
        slo_url=str((idp.get("singleLogoutService") or {}).get("url") or ""),
    )
    if not (found.entity_id and found.sso_url and found.certificates):
        raise Invalid.field(
            "metadata", "The metadata names no entity ID, no sign-on address (HTTP redirect) or no signing certificate."
        )
    return found


def pem_of(text: str) -> str:
    """One certificate as PEM, from PEM or bare base64; raises :class:`Invalid`."""
    body = "".join(line for line in text.strip().splitlines() if "-----" not in line)
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
        found = x509.load_der_x509_certificate(der)
    except (ValueError, binascii.Error):
        raise Invalid.field("certificates", "This is not a certificate in PEM (Base64) form.") from None
    from cryptography.hazmat.primitives.serialization import Encoding

    return found.public_bytes(Encoding.PEM).decode()


def pems_in(text: str) -> list[str]:
    """All certificates in a text: PEM blocks one after the other, or one bare base64 body."""
    blocks = [block for block in text.split("-----BEGIN CERTIFICATE-----") if block.strip()]
    found = list(dict.fromkeys(pem_of(block.partition("-----END")[0]) for block in blocks))
    if len(found) > MOST_CERTIFICATES:
        raise Invalid.field("certificates", f"At most {MOST_CERTIFICATES} certificates: the current one and the next.")
    return found


def certificate(pem: str) -> Certificate:
    """A stored certificate, for people."""
    from cryptography.hazmat.primitives.hashes import SHA256

    found = x509.load_pem_x509_certificate(pem.encode())
    fingerprint = found.fingerprint(SHA256()).hex(":").upper()
    return Certificate(pem, found.subject.rfc4514_string(), found.not_valid_after_utc, fingerprint)


def settings_of(provider: IdentityProvider) -> dict[str, Any]:
    """What the library has to insist on, and what it says of us."""
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": entity_id(provider),
            "assertionConsumerService": {"url": acs_url(provider), "binding": POST},
            "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            **_signing_out(provider),
        },
        "idp": {
            "entityId": provider.entity_id or "unset",
            "singleSignOnService": {"url": provider.sso_url or "https://unset.invalid/", "binding": REDIRECT},
            **({"singleLogoutService": {"url": provider.slo_url, "binding": REDIRECT}} if provider.slo_url else {}),
            "x509certMulti": {"signing": working_certificates(provider)},
        },
        "security": {
            # Either the assertion or the whole answer must be signed; strict mode refuses answers with neither.
            "wantAssertionsSigned": False,
            "wantMessagesSigned": False,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "rejectUnsolicitedResponsesWithInResponseTo": True,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "allowRepeatAttributeName": True,
        },
    }


def working_certificates(provider: IdentityProvider) -> list[str]:
    """Certificates that have not run out: one that has must not open the door any more."""
    now = datetime.now(UTC)
    return [pem for pem in provider.certificates if certificate(pem).expires_at > now]


def _signing_out(provider: IdentityProvider) -> dict[str, Any]:
    """What our metadata says where signing out is spoken of: the address, and what we sign with."""
    if not (provider.slo_url and provider.signing_certificate):
        return {}
    service = {"url": slo_url(provider), "binding": REDIRECT}
    return {"singleLogoutService": service, "x509cert": provider.signing_certificate}


def _session_in(response: Any) -> Session:
    said = response.get_nameid_data()
    names = {"name_format": "Format", "qualifier": "NameQualifier", "sp_qualifier": "SPNameQualifier"}
    return Session(
        name_id=str(said.get("Value") or ""),
        index=str(response.get_session_index() or ""),
        **{ours: str(said.get(theirs) or "") for ours, theirs in names.items()},
    )


def request_at(url: str) -> dict[str, Any]:
    """The address that messages must be meant for: the configured one, never what a request's headers claim."""
    address = urlsplit(url)
    return {
        "https": "on" if address.scheme == "https" else "off",
        "http_host": address.netloc,
        "script_name": address.path,
        "get_data": {},
        "post_data": {},
    }


def failure_of(code: int) -> str:
    """The key of the words for a refusal of the library."""
    from onelogin.saml2.errors import OneLogin_Saml2_ValidationError as Error

    return {
        Error.WRONG_AUDIENCE: "audience",
        Error.WRONG_DESTINATION: "destination",
        Error.EMPTY_DESTINATION: "destination",
        Error.WRONG_ISSUER: "issuer",
        Error.ISSUER_NOT_FOUND_IN_ASSERTION: "issuer",
        Error.ISSUER_MULTIPLE_IN_RESPONSE: "issuer",
        Error.ASSERTION_EXPIRED: "time",
        Error.ASSERTION_TOO_EARLY: "time",
        Error.SESSION_EXPIRED: "time",
        Error.RESPONSE_EXPIRED: "time",
        Error.WRONG_INRESPONSETO: "not_yours",
        Error.STATUS_CODE_IS_NOT_SUCCESS: "refused",
        Error.NO_NAMEID: "no_subject",
        Error.EMPTY_NAMEID: "no_subject",
        Error.INVALID_SIGNATURE: "signature",
        Error.NO_SIGNATURE_FOUND: "signature",
        Error.NO_SIGNED_ASSERTION: "signature",
        Error.NO_SIGNED_MESSAGE: "signature",
        Error.WRONG_SIGNED_ELEMENT: "signature",
        Error.WRONG_NUMBER_OF_SIGNATURES: "signature",
        Error.WRONG_NUMBER_OF_SIGNATURES_IN_ASSERTION: "signature",
        Error.WRONG_NUMBER_OF_SIGNATURES_IN_RESPONSE: "signature",
        Error.ID_NOT_FOUND_IN_SIGNED_ELEMENT: "signature",
        Error.DEPRECATED_SIGNATURE_METHOD: "signature",
        Error.DEPRECATED_DIGEST_METHOD: "signature",
    }.get(code, "unreadable")


def _answers(response: Any, request_id: str) -> bool:
    """Whether answer and assertion both name the request; the library lets them leave it out."""
    confirmed = response.document.iterfind(f".//{{{ASSERTION}}}SubjectConfirmationData")
    return response.get_in_response_to() == request_id and {c.get("InResponseTo") for c in confirmed} == {request_id}


def _said(response: Any) -> dict[str, Any]:
    """What an answer claims, for the page that helps to find mistakes, whether or not it is proven."""
    try:
        attributes = response.get_attributes()
        subject = response.get_nameid()
    except Exception:  # an unsound answer may break anywhere, and this is only for looking at
        attributes, subject = {}, ""
    shown = {str(k)[:200]: [str(v)[:200] for v in values[:50]] for k, values in list(attributes.items())[:50]}
    return {"proven": False, "subject": str(subject or "")[:400], "attributes": shown}
