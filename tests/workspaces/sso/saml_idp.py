"""A SAML identity provider of our own making, to say what no honest one would.

Answers are written from a template and signed by the library's own signer, so that a
test can change one thing and leave everything else sound.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr
from zlib import decompress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
DIGEST256 = "http://www.w3.org/2001/04/xmlenc#sha256"
DIGEST1 = "http://www.w3.org/2000/09/xmldsig#sha1"
ENTITY = "https://idp.example.test/metadata"
SSO_URL = "https://idp.example.test/sso"

RESPONSE = (
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
    ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{response_id}" Version="2.0"'
    ' IssueInstant="{now}" Destination="{destination}"{in_response_to}>'
    '<saml:Issuer>{issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{status}"/>'
    "</samlp:Status>{assertion}</samlp:Response>"
)
ASSERTION = (
    '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{assertion_id}" Version="2.0"'
    ' IssueInstant="{now}">'
    "<saml:Issuer>{issuer}</saml:Issuer><saml:Subject>"
    '<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">{subject}</saml:NameID>'
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
    '<saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{destination}"{in_response_to}/>'
    "</saml:SubjectConfirmation></saml:Subject>"
    '<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}"><saml:AudienceRestriction>'
    "<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
    '<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="{assertion_id}"><saml:AuthnContext>'
    "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>"
    "</saml:AuthnContext></saml:AuthnStatement>"
    "<saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
)


@dataclass(frozen=True)
class KeyPair:
    """A signing key with its certificate, both PEM."""

    key: str
    certificate: str


@cache
def key_pair(name: str = "idp", days: int = 30) -> KeyPair:
    """A key of this name; with negative ``days`` its certificate has run out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.example.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return KeyPair(pem, made.public_bytes(Encoding.PEM).decode())


@dataclass
class Answer:
    """What the provider says; every field can be made a lie."""

    acs: str
    audience: str
    request_id: str = ""
    subject: str = "00u1"
    attributes: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {"email": ["grace@acme.test"], "name": ["Grace"], "groups": ["Data"]}
    )
    issuer: str = ENTITY
    destination: str = ""
    age: timedelta = timedelta(0)
    status: str = "urn:oasis:names:tc:SAML:2.0:status:Success"
    pair: KeyPair | None = None
    sign: str = "assertion"
    algorithm: tuple[str, str] = (SHA256, DIGEST256)
    assertion_id: str = field(default_factory=lambda: f"_{uuid.uuid4().hex}")

    def assertion(self) -> str:
        """The assertion, signed where ``sign`` says so."""
        made = ASSERTION.format(**self._values(), attributes=_attributes(self.attributes))
        return self.signed(made) if self.sign == "assertion" else made

    def response(self, assertion: str | None = None) -> str:
        """The whole answer as XML."""
        body = self.assertion() if assertion is None else assertion
        values = self._values()
        made = RESPONSE.format(**values, response_id=f"_{uuid.uuid4().hex}", status=self.status, assertion=body)
        return self.signed(made) if self.sign == "response" else made

    def encoded(self) -> str:
        """The whole answer as it is posted."""
        return encode(self.response())

    def signed(self, xml: str) -> str:
        """The element with the provider's signature."""
        from onelogin.saml2.utils import OneLogin_Saml2_Utils

        pair = self.pair or key_pair()
        made: Any = OneLogin_Saml2_Utils.add_sign(
            xml, pair.key, pair.certificate, sign_algorithm=self.algorithm[0], digest_algorithm=self.algorithm[1]
        )
        text = made.decode() if isinstance(made, bytes) else str(made)
        return text.partition("?>")[2].strip() if text.startswith("<?xml") else text

    def _values(self) -> dict[str, str]:
        now = datetime.now(UTC) - self.age
        return {
            "now": _time(now),
            "since": _time(now - timedelta(minutes=1)),
            "until": _time(now + timedelta(minutes=5)),
            "issuer": escape(self.issuer),
            "subject": escape(self.subject),
            "audience": escape(self.audience),
            "destination": escape(self.destination or self.acs),
            "assertion_id": self.assertion_id,
            "in_response_to": f" InResponseTo={quoteattr(self.request_id)}" if self.request_id else "",
        }


def encode(xml: str) -> str:
    return base64.b64encode(xml.encode()).decode()


def request_in(address: str) -> tuple[str, str]:
    """The id of the request in an address at the provider, and its relay state."""
    query = parse_qs(urlsplit(address).query)
    xml = decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
    return xml.split('ID="')[1].split('"')[0], query["RelayState"][0]


def _attributes(values: Mapping[str, Sequence[str]]) -> str:
    def one(name: str, texts: Sequence[str]) -> str:
        inner = "".join(f"<saml:AttributeValue>{escape(text)}</saml:AttributeValue>" for text in texts)
        return f"<saml:Attribute Name={quoteattr(name)}>{inner}</saml:Attribute>"

    return "".join(one(name, texts) for name, texts in values.items())


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
