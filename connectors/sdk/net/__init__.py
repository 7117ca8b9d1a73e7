"""The outbound door: everything connectors send over HTTP leaves through :class:`Client`."""

from connectors.sdk.net.client import Client, merged, parse_url
from connectors.sdk.net.consent import Consent, ConsentTokenSource
from connectors.sdk.net.guard import Blocked, Guard, GuardedResolver
from connectors.sdk.net.message import Request, Response
from connectors.sdk.net.oauth import Extras, TokenRequest, TokenSource
from connectors.sdk.net.redaction import Redactor
from connectors.sdk.net.status import error_for, retry_after, words
from connectors.sdk.net.tls import Tls

__all__ = [
    "Blocked",
    "Client",
    "Consent",
    "ConsentTokenSource",
    "Extras",
    "Guard",
    "GuardedResolver",
    "Redactor",
    "Request",
    "Response",
    "Tls",
    "TokenRequest",
    "TokenSource",
    "error_for",
    "merged",
    "parse_url",
    "retry_after",
    "words",
]
