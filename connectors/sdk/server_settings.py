"""Settings that servers of several kinds share: encryption, the authorities to trust, and a time limit."""

from __future__ import annotations

from connectors.sdk.fields import FileUpload, Number, Select, When
from connectors.sdk.types import Choice

VERIFYING = ("verify-ca", "verify-full")
TIME_LIMIT = Number(
    name="statement_timeout",
    label="Query time limit",
    help="A query that takes longer is stopped. Left out, the server's own limit holds.",
    required=False,
    minimum=1,
    maximum=86_400,
    unit="seconds",
    group="Limits",
)

_PREFER = Choice("prefer", "Prefer", "Encrypt when the server offers it.")
_MODES = (
    Choice("require", "Require", "Encrypt or do not connect; the certificate is not checked."),
    Choice("verify-ca", "Verify authority", "Encrypt, and check who signed the certificate."),
    Choice("verify-full", "Verify fully", "Also check that the certificate is for this host."),
    Choice("disable", "Off", "Only on a network that you trust."),
)


def encryption(*, prefer: bool = False) -> Select:
    """How connections are encrypted; ``prefer`` where the protocol can ask whether the server does."""
    choices = (_PREFER, *_MODES) if prefer else _MODES
    return Select(name="sslmode", label="Encryption", default=choices[0].value, group="Security", choices=choices)


def authority(when: When | None, *, group: str = "Security", beside: bool = True) -> FileUpload:
    """Whom to trust to certify the server: ``beside`` the machine's own authorities, or in their place."""
    trusted = "beside those of this machine." if beside else "Left out, those of this machine are."
    return FileUpload(
        name="ca",
        label="Certificate authority",
        help=f"PEM file with the authorities to trust{', ' if beside else '. '}{trusted}",
        required=False,
        accept=".pem,.crt,.cer",
        max_bytes=200_000,
        group=group,
        when=when,
    )


VERIFIED_AUTHORITY = authority(When(field="sslmode", values=VERIFYING))
