"""Secrets taken out of what people may read."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

import orjson

from connectors.sdk.validation import SECRET_ROW

MASK = "••••"
_MIN_LENGTH = 3
_SECRET_PARAMETER = re.compile(
    # Names are bounded and end at the next "?": an answer full of question marks must not take quadratic time.
    r"([?&](?:[^=&?#\s]{0,80}?(?:token|secret|password|api[-_]?key|signature|access[-_]?key))=)([^&#\s]+)",
    re.IGNORECASE,
)
# Requests of one delivery have the same headers, and answers differ little.
_REMEMBERED = 200
_Headers = tuple[tuple[str, str], ...]
_URL_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+@")


class Redactor:
    """Removes known secret values, and headers that hold credentials by their name.

    A value is found in any of the shapes it is sent in: as it is, in JSON, in a URL, in base 64.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secrets)
        shapes = {shape for secret in self._secrets for shape in _shapes(secret)}
        ordered = sorted(shapes, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._cleaned: dict[_Headers, _Headers] = {}
        self._addresses: dict[str, str] = {}

    def with_secret(self, secret: str) -> Redactor:
        """A redactor that knows one value more; the same where it knows it already."""
        return self if secret in self._secrets else Redactor((*self._secrets, secret))

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        # Looking for one sign costs a fraction of running an expression, or seeking a word, in a whole body.
        if "=" in text and ("?" in text or "&" in text):
            text = _SECRET_PARAMETER.sub(rf"\g<1>{MASK}", text)
        return _URL_PASSWORD.sub(rf"\g<1>{MASK}@", text) if "/" in text and "://" in text else text

    def address(self, url: str) -> str:
        """An address without secrets; most requests of a delivery go to the same."""
        if (cleaned := self._addresses.get(url)) is None:
            cleaned = self.text(url)
            if len(self._addresses) < _REMEMBERED:
                self._addresses[url] = cleaned
        return cleaned

    def headers(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Headers with credentials masked, by name and by value."""
        plain = tuple(headers.items())
        if (cleaned := self._cleaned.get(plain)) is None:
            cleaned = tuple((n, MASK if SECRET_ROW.search(n) else self.text(v)) for n, v in plain)
            if len(self._cleaned) < _REMEMBERED:
                self._cleaned[plain] = cleaned
        return cleaned


def _shapes(secret: str) -> set[str]:
    if len(secret) < _MIN_LENGTH:
        return set()
    encoded = base64.b64encode(secret.encode()).decode()
    in_json = orjson.dumps(secret).decode()[1:-1]
    # Parts too: the lines of a key file, the token after "Bearer".
    parts = {part for part in (*secret.splitlines(), *secret.split()) if len(part.strip()) >= 8}
    return {secret, in_json, quote(secret, safe=""), quote_plus(secret), encoded} | parts
