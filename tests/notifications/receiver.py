"""A program that takes webhooks: it keeps every request, and answers what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks.webhooks import Webhook as Library

from tests.support.http import serving


@dataclass
class Taken:
    """One request."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    def verified(self, secret: str) -> Any:
        """The body, if the specification's own library takes the signature; it raises otherwise."""
        return Library(secret).verify(self.raw, self.headers)


@dataclass
class Receiver:
    """``answers`` are given one a request, status and headers; then 204."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in/s3cret-path?token=t0ken"


@contextmanager
def receiving() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.taken.append(Taken(self.path, {k.lower(): v for k, v in self.headers.items()}, raw))
            status, headers = state.answers.pop(0) if state.answers else (204, {})
            body = b"" if status == 204 else b'{"said": "no to t0ken"}'
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests say what they saw."""

    with serving(Handler) as state.port:
        yield state
