"""Connectors that repeat their credentials in errors, as real systems sometimes do."""

from __future__ import annotations

from connectors.destinations.http_request import HttpRequestDestination
from connectors.sdk.errors import AuthError


class Refusing(HttpRequestDestination):
    """Refuses, with the key in its words."""

    async def check(self) -> None:
        """Always fails."""
        raise AuthError(f"The server said {self.config['headers'][0]['value']} is wrong.")


class Defective(HttpRequestDestination):
    """Breaks, with the key in the exception."""

    async def check(self) -> None:
        """Always breaks."""
        raise RuntimeError(f"the library said {self.config['headers'][0]['value']}")
