"""Signing in to brokers of Amazon MSK with AWS IAM: a token for OAUTHBEARER is an address that AWS's keys signed."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

_SERVICE = "kafka-cluster"
# As AWS's own signers ask for; a broker ends the line when the token has run out, and the driver asks for another.
_LIFETIME_S = 900


def signed_token(keys: ReadOnlyCredentials, region: str) -> str:
    """A token that lets these keys connect to any cluster of the region that their policies name."""
    request = AWSRequest("GET", f"https://kafka.{region}.amazonaws.com/", params={"Action": "kafka-cluster:Connect"})
    SigV4QueryAuth(keys, _SERVICE, region, expires=_LIFETIME_S).add_auth(request)
    address = f"{request.url}&User-Agent=headrace"
    return base64.urlsafe_b64encode(address.encode()).rstrip(b"=").decode()


def token_provider(base: Any, keys: Callable[[], Awaitable[ReadOnlyCredentials]], region: str) -> Any:
    """What the driver asks for a token whenever it opens a line; ``base`` is the driver's own class of such."""

    class Signing(base):  # type: ignore[misc]  # the driver may not be installed
        async def token(self) -> str:
            return signed_token(await keys(), region)

    return Signing()
