"""Mail to the operator's server."""

from __future__ import annotations

import ssl
from functools import cached_property

from django.core.mail.backends import smtp


class EmailBackend(smtp.EmailBackend):
    """Speaks TLS 1.2 or later, whatever the machine's OpenSSL would agree to."""

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super().ssl_context
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
