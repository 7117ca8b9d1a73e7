"""What the operator's settings allow whoever calls out, and the way out."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from connectors.sdk.net.proxy import Proxy


def proxy() -> Proxy | None:
    """The proxy that connections leave through; none where the operator set none."""
    if not settings.OUTBOUND_PROXY:
        return None
    return _proxy(settings.OUTBOUND_PROXY, tuple(settings.OUTBOUND_NO_PROXY), settings.OUTBOUND_PROXY_RESOLVES)


@cache
def _proxy(url: str, around: tuple[str, ...], resolves: bool) -> Proxy:
    return Proxy.of(url, around, resolves=resolves)
