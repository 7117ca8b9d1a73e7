"""ClickHouse's own engine behind the part of its HTTP interface that Headrace uses.

The engine is chdb, in a Python of its own; what listens is this module, run there. It checks the user, takes the
settings of the address as the query's own, and answers errors as the server does. It cannot stop a running query.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PYTHON = Path(__file__).resolve().parents[2] / ".venv" / "chdb" / "bin" / "python"
WORDS = "chdb is not installed; `make test` does that"
USER, PASSWORD = "headrace", "bekannt, 知"
_NOT_SETTINGS = {"default_format", "query_id"}


@contextmanager
def a_server(seed: Sequence[str]) -> Iterator[dict[str, Any] | None]:
    """The settings of a source that reads it, or ``None`` where chdb is not installed."""
    if not PYTHON.exists():
        yield None
        return
    process = subprocess.Popen([str(PYTHON), "-P", __file__, *seed], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield {"host": "127.0.0.1", "port": port, "secure": False, "user": USER, "password": PASSWORD}
    finally:
        process.kill()
        process.communicate()


def serve(seed: Sequence[str]) -> None:
    """Answer until killed."""
    from chdb import session  # type: ignore[import-not-found]  # only in its own Python

    engine = session.Session()
    for statement in seed:
        engine.query(statement)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = dict(parse_qsl(urlsplit(self.path).query))
            proof = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            if proof != f"{USER}:{PASSWORD}":
                self._answer(403, b"Code: 516. DB::Exception: headrace: Authentication failed. (AUTHENTICATION_FAILED)")
                return
            home = asked.pop("database")
            settings = ", ".join(f"{name} = '{value}'" for name, value in asked.items() if name not in _NOT_SETTINGS)
            try:
                engine.query(f"USE `{home}`")
                found = engine.query(f"{body}\nSETTINGS {settings}", asked["default_format"]).bytes()
            except Exception as error:  # as text is how the server tells them
                self._answer(500, str(error).encode())
                return
            self._answer(200, found)

        def _answer(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *told: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1:])
