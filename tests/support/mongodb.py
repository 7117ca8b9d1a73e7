"""SecantusDB, which speaks MongoDB's protocol, in a Python of its own: an open server, and one with TLS.

The latter wants a login. Each calls itself a replica set of one member, at the address where it listens.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.certificates import localhost_pem

PYTHON = Path(__file__).resolve().parents[2] / ".venv" / "secantusdb" / "bin" / "python"
WORDS = "SecantusDB is not installed; `make test` does that"
LOGIN = {"user": "headrace", "password": "p@ss/word", "auth_source": "people"}
_SERVE = """
import json, sys, time
from pymongo import MongoClient
from secantus.server import SecantusDBServer
pem, login = sys.argv[1], json.loads(sys.argv[2])
plain = SecantusDBServer(storage_path=":memory:", cache_size="64M")
secure = SecantusDBServer(storage_path=":memory:", cache_size="64M", tls_cert_file=pem, tls_key_file=pem)
for server in (plain, secure):
    server.start()
with MongoClient("127.0.0.1", secure.port, tls=True, tlsAllowInvalidCertificates=True) as client:
    client[login["auth_source"]].command(
        "createUser", login["user"], pwd=login["password"], roles=[{"role": "readWrite", "db": "people"}]
    )
secure.require_auth = True
print(json.dumps([plain.port, secure.port]), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Deployment:
    """Where the servers listen on 127.0.0.1; ``authority`` is the certificate of the one with TLS."""

    port: int
    secure_port: int
    authority: str


@contextmanager
def a_deployment() -> Iterator[Deployment | None]:
    """Both servers, empty; ``None`` where they are not installed."""
    if not PYTHON.exists():
        yield None
        return
    with TemporaryDirectory() as folder:
        pem = Path(folder) / "server.pem"
        authority = localhost_pem(pem)
        process = subprocess.Popen(
            [PYTHON, "-c", _SERVE, pem, json.dumps(LOGIN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port, secure_port = json.loads(process.stdout.readline())
            yield Deployment(port, secure_port, authority)
        finally:
            process.stdin.close()  # it reads until then
            process.terminate()
            process.wait(30)
            process.stdout.close()
