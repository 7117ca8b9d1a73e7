"""What the domain name system says about a domain that an organization claims."""

from __future__ import annotations

import dns.exception
import dns.resolver

SECONDS = 5.0


def texts(name: str) -> list[str]:
    """The TXT records of a name, each in one piece; none where there are none or nobody answers."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=SECONDS)
    except dns.exception.DNSException:
        return []
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
