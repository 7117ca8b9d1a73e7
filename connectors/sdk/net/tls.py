"""TLS for the outbound door: the system's authorities, a person's own, and client certificates."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from connectors.sdk.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM texts. ``authority`` is trusted beside the system's; ``certificate`` and ``key`` identify us."""

    authority: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Wallet:
    """The text of a wallet's ``ewallet.pem``: authorities, a certificate that identifies us, its encrypted key."""

    pem: str = field(repr=False)
    password: str = field(default="", repr=False)


def ssl_context(tls: Tls | None) -> ssl.SSLContext:
    """A verifying context, TLS 1.2 or later; raises ``ConfigError`` naming the file at fault."""
    if tls is None or tls == Tls():
        return _usual_context()
    context = _new_context()
    if tls.authority:
        _trust(context, tls.authority, field="ca_certificate")
    if tls.certificate:
        _load_identity(context, f"{tls.certificate}\n{tls.key}\n", "", _no_pair)
    return context


def mode_context(mode: str, authority: str, wallet: Wallet | None = None) -> ssl.SSLContext:
    """As databases name it: "require" encrypts, "verify-ca" and "verify-full" check the certificate, too."""
    context = _new_context()
    if authority:
        _trust(context, authority, field="ca")
    if wallet is not None:
        _load_identity(context, wallet.pem, wallet.password, _no_wallet)
        _trust(context, wallet.pem, field="wallet")
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_NONE if mode == "require" else ssl.CERT_REQUIRED
    return context


@cache
def _usual_context() -> ssl.SSLContext:
    """The context of all who bring nothing of their own: reading the system's authorities takes 30 ms."""
    return _new_context()


def _new_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _trust(context: ssl.SSLContext, authority: str, *, field: str) -> None:
    try:
        context.load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError("The CA certificate is not a PEM certificate.", field=field) from error


def _load_identity(context: ssl.SSLContext, pem: str, password: str, wrong: Callable[[], ConfigError]) -> None:
    # OpenSSL reads identities from files only; this one is readable by us alone and gone at once.
    handle, path = tempfile.mkstemp(prefix="headrace-tls-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(pem)
        # Without a pass phrase OpenSSL would ask for one, and wait on a terminal.
        context.load_cert_chain(path, password=password.encode)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise wrong() from error
    finally:
        Path(path).unlink()


def _no_pair() -> ConfigError:
    return ConfigError(
        "The client certificate and its key do not fit together.",
        field="client_certificate",
        hint="Upload the certificate and its unencrypted private key as PEM files.",
    )


def _no_wallet() -> ConfigError:
    return ConfigError(
        "The wallet cannot be opened.",
        field="wallet",
        hint="Upload the file ewallet.pem of the wallet, and enter the password that was chosen for it.",
    )
