"""Requests and responses as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.sdk.errors import InternalError

SAMPLE_CHARS = 500


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete. ``timeout_s`` covers everything up to the last byte of the answer.

    ``private`` keeps both bodies out of traces (requests for tokens).
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = 30.0
    private: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of any status. Header names are lower case; ``truncated`` when the body passed the cap."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    truncated: bool = False

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; undecodable bytes are replaced."""
        return self.body.decode("utf-8", "replace")

    def sample(self) -> str:
        """The start of the body on one line, for messages."""
        return " ".join(self.text[: SAMPLE_CHARS * 2].split())[:SAMPLE_CHARS]

    def json(self) -> Any:
        """The body as JSON; raises ``InternalError`` with a sample where it is not."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise InternalError(
                f"The answer is not JSON: {self.sample() or 'it is empty'}",
                hint="Check that the address is that of an API, not of a web page.",
            ) from error
