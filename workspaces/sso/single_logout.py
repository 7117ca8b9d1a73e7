"""SAML single logout: telling the provider that a person signed out here, and ending sessions when it tells us.

Messages travel as addresses (HTTP redirect) or, from the provider, as forms (HTTP POST). What the provider says must be
signed: a redirect by its address's own signature, a form inside its XML. What we say is signed with a key made for
this one provider, whose certificate stands in our metadata.
"""

from __future__ import annotations

import base64
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.utils.http import urlencode

from config.sealing import unseal
from workspaces.models import IdentityProvider
from workspaces.sso import saml
from workspaces.sso.diagnosis import SignInFailed

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
KEY_YEARS = 10
# A message names one person and a few sessions.
MOST_BYTES = 100_000
# How old a message may be, and how far clocks may differ, in seconds.
FRESH_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Signing:
    """A key of our own with its self-signed certificate, both PEM."""

    key: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The provider asks to end a person's sessions: those of ``indexes``, or all where it names none."""

    message_id: str
    name_id: str
    indexes: tuple[str, ...]


def new_signing(name: str) -> Signing:
    """A key for one provider; its certificate only carries the public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Headrace single sign-on ({name})"[:64])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * KEY_YEARS))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Signing(pem, made.public_bytes(Encoding.PEM).decode())


def leave(provider: IdentityProvider, session: saml.Session, relay_state: str) -> tuple[str, str]:
    """Where to send a person who signed out here, and the id of the request that the answer must name."""
    from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    request = OneLogin_Saml2_Logout_Request(
        OneLogin_Saml2_Settings(saml.settings_of(provider)),
        name_id=session.name_id,
        name_id_format=session.name_format or None,
        nq=session.qualifier or None,
        spnq=session.sp_qualifier or None,
        session_index=escape(session.index) or None,
    )
    return _address(provider, "SAMLRequest", request.get_request(), relay_state), str(request.id)


def answer(provider: IdentityProvider, ending: Ending, relay_state: str) -> str:
    """Where to send the browser that brought a request to end sessions: back, with the word that they ended."""
    from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    response = OneLogin_Saml2_Logout_Response(OneLogin_Saml2_Settings(saml.settings_of(provider)))
    response.build(ending.message_id)
    return _address(provider, "SAMLResponse", response.get_response(), relay_state)


def read_request(provider: IdentityProvider, sent: Mapping[str, str], query: str) -> Ending:
    """What a request of the provider asks for; raises :class:`SignInFailed`. ``query`` is empty for a form."""
    from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    encoded = _sized(sent, "SAMLRequest")
    try:
        settings = OneLogin_Saml2_Settings(saml.settings_of(provider))
        request = OneLogin_Saml2_Logout_Request(settings, encoded)
        xml = request.get_xml()
        request.is_valid({**_here(provider), "get_data": dict(sent)}, raise_exceptions=True)
        _require_signature(provider, sent, query, "SAMLRequest", xml)
        _require_fresh(xml)
        name_id = str(OneLogin_Saml2_Logout_Request.get_nameid(xml) or "")
        indexes = tuple(str(index) for index in OneLogin_Saml2_Logout_Request.get_session_indexes(xml))
    except SignInFailed:
        raise
    except Exception as error:  # whatever the XML provoked: a library's defect must not end anybody's session
        raise _refusal(error) from error
    if not name_id or OneLogin_Saml2_Logout_Request.get_issuer(xml) != provider.entity_id:
        raise SignInFailed("issuer", words="The request names no issuer, or nobody.")
    return Ending(str(request.id), name_id, indexes)


def read_answer(provider: IdentityProvider, sent: Mapping[str, str], query: str, request_id: str) -> bool:
    """Whether the provider says that the person is signed out there; raises :class:`SignInFailed`."""
    from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    encoded = _sized(sent, "SAMLResponse")
    try:
        response = OneLogin_Saml2_Logout_Response(OneLogin_Saml2_Settings(saml.settings_of(provider)), encoded)
        response.is_valid({**_here(provider), "get_data": dict(sent)}, request_id, raise_exceptions=True)
        _require_signature(provider, sent, query, "SAMLResponse", response.get_xml())
    except SignInFailed:
        raise
    except Exception as error:
        raise _refusal(error) from error
    if response.get_in_response_to() != request_id:
        raise SignInFailed("not_yours", words="It does not name the request that was sent.")
    return bool(response.get_status() == SUCCESS)


def _require_signature(
    provider: IdentityProvider, sent: Mapping[str, str], query: str, kind: str, xml: str | bytes
) -> None:
    from onelogin.saml2.auth import OneLogin_Saml2_Auth

    if not query:
        return _require_signature_within(provider, xml)
    if not sent.get("Signature") or not sent.get("SigAlg"):
        raise SignInFailed("signature", words="It is not signed.")
    # As it was sent: what is signed is the address's own spelling.
    data = {**_here(provider), "query_string": query, "validate_signature_from_qs": True, "get_data": dict(sent)}
    auth = OneLogin_Saml2_Auth(data, saml.settings_of(provider))
    check = auth.validate_request_signature if kind == "SAMLRequest" else auth.validate_response_signature
    if not check(dict(sent)):
        raise SignInFailed("signature", words=str(auth.get_last_error_reason() or ""))
    return None


def _require_signature_within(provider: IdentityProvider, xml: str | bytes) -> None:
    """The message carries its own signature, which must be over the message itself, not over something inside it."""
    from onelogin.saml2.constants import OneLogin_Saml2_Constants as Known
    from onelogin.saml2.utils import OneLogin_Saml2_Utils
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    root = OneLogin_Saml2_XML.to_etree(xml)
    own = root.get("ID")
    signatures, references = root.findall(f"{DS}Signature"), root.findall(f"{DS}Signature/{DS}SignedInfo/{DS}Reference")
    over_itself = [reference.get("URI") for reference in references] == [f"#{own}"]
    if len(signatures) != 1 or not over_itself or len(root.xpath("//*[@ID = $own]", own=own)) != 1:
        raise SignInFailed("signature", words="The message is not signed as a whole.")
    used = {node.get("Algorithm") for name in ("SignatureMethod", "DigestMethod") for node in root.iter(f"{DS}{name}")}
    if used & {*Known.DEPRECATED_ALGORITHMS, Known.SHA1}:
        raise SignInFailed("signature", words="It is signed with SHA-1.")
    OneLogin_Saml2_Utils.validate_sign(
        xml,
        multicerts=saml.working_certificates(provider) or [""],
        xpath=f"/samlp:{root.tag.rpartition('}')[2]}/ds:Signature",
        raise_exceptions=True,
    )


def _require_fresh(xml: str | bytes) -> None:
    """Refuse an old request: somebody may have kept it to sign the person out again and again."""
    from onelogin.saml2.utils import OneLogin_Saml2_Utils
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    issued = OneLogin_Saml2_Utils.parse_SAML_to_time(OneLogin_Saml2_XML.to_etree(xml).get("IssueInstant"))
    if abs(time.time() - issued) > FRESH_SECONDS:
        raise SignInFailed("time")


def _refusal(error: Exception) -> SignInFailed:
    from onelogin.saml2.errors import OneLogin_Saml2_ValidationError

    if isinstance(error, OneLogin_Saml2_ValidationError):
        return SignInFailed(saml.failure_of(error.code), words=str(error))
    return SignInFailed("unreadable", words=type(error).__name__)


def _sized(sent: Mapping[str, str], name: str) -> str:
    """A message as it was sent, unless it is none or unpacks to more than any sound one."""
    encoded = sent.get(name, "")
    try:
        packed = base64.b64decode(encoded) if len(encoded) <= MOST_BYTES else b""
        size = len(zlib.decompressobj(-15).decompress(packed, MOST_BYTES + 1))
    except ValueError:
        raise SignInFailed("unreadable") from None
    except zlib.error:  # a form's message is not packed
        size = len(packed)
    if not packed or size > MOST_BYTES:
        raise SignInFailed("unreadable")
    return encoded


def _address(provider: IdentityProvider, kind: str, message: str, relay_state: str) -> str:
    """The provider's sign-out address with a message, signed as addresses are (SAML bindings 3.4.4.1)."""
    from onelogin.saml2.utils import OneLogin_Saml2_Utils

    said = {kind: message, **({"RelayState": relay_state} if relay_state else {}), "SigAlg": RSA_SHA256}
    signed = urlencode(said)
    signature = OneLogin_Saml2_Utils.sign_binary(signed, unseal(provider.signing_key))
    joint = "&" if urlsplit(provider.slo_url).query else "?"
    return f"{provider.slo_url}{joint}{signed}&{urlencode({'Signature': base64.b64encode(signature).decode()})}"


def _here(provider: IdentityProvider) -> dict[str, Any]:
    """The address that messages must be meant for: the configured one, never what a request's headers claim."""
    return saml.request_at(saml.slo_url(provider))
