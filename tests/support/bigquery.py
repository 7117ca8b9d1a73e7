"""bqemulator behind BigQuery's own REST interface, in a Python of its own, and Google's address for tokens beside it.

It lets everybody in, runs each query before it answers, and keeps no words about columns.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.sdk.bigquery import ORIGIN
from connectors.sdk.rest.google_sign_in import TOKENS

PYTHON = Path(__file__).resolve().parents[2] / ".venv" / "bqemulator" / "bin" / "python"
WORDS = "bqemulator is not installed; `make test` does that"
PROJECT, DATASET = "acme", "stand"
_SERVE = """
import asyncio, json, os, sys, threading, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
told = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
os.dup2(1, 2)
import duckdb, duckdb_extension_spatial
from bqemulator.config import Settings
from bqemulator.server import EmulatorServer

class Tokens(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        data = b'{"access_token": "known", "expires_in": 3600}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

def ask(path, body):
    request = urllib.request.Request(base + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    answer = json.load(urllib.request.urlopen(request))
    assert "errors" not in answer, answer

def seed():
    ask("/datasets", {"datasetReference": {"projectId": project, "datasetId": dataset}})
    for statement in statements:
        ask("/queries", {"query": statement, "useLegacySql": False})
    print(json.dumps([server.rest_port, tokens.server_port]), file=told, flush=True)

async def serve():
    global base
    await server.start()
    base = f"http://127.0.0.1:{server.rest_port}/bigquery/v2/projects/{project}"
    await asyncio.to_thread(seed)
    await asyncio.sleep(36_000)

project, dataset, *statements = sys.argv[1:]
extension = next(Path(duckdb_extension_spatial.__file__).parent.rglob("*.duckdb_extension"))
duckdb.connect().execute(f"INSTALL '{extension}'")
tokens = HTTPServer(("127.0.0.1", 0), Tokens)
threading.Thread(target=tokens.serve_forever, daemon=True).start()
server = EmulatorServer(Settings(rest_port=0, grpc_port=0, default_project_id=project))
asyncio.run(serve())
"""


@contextmanager
def a_server(seed: Sequence[str]) -> Iterator[dict[str, Any] | None]:
    """The settings of a source that reads the dataset, with ``routes`` there; ``None`` where it is not installed."""
    if not PYTHON.exists():
        yield None
        return
    with TemporaryDirectory() as home:  # for DuckDB's extension
        process = subprocess.Popen(
            [str(PYTHON), "-P", "-c", _SERVE, PROJECT, DATASET, *seed],
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": home},
        )
        try:
            assert process.stdout is not None
            api, tokens = json.loads(process.stdout.readline())
            routes = {ORIGIN: f"http://127.0.0.1:{api}", TOKENS.rpartition("/")[0]: f"http://127.0.0.1:{tokens}"}
            yield {"project": PROJECT, "service_account_key": service_account_key(), "routes": routes}
        finally:
            process.kill()
            process.communicate()


def service_account_key() -> str:
    """The key of a service account, as Google hands it out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    email = "headrace@acme.iam.gserviceaccount.test"
    return json.dumps({"token_uri": TOKENS, "client_email": email, "private_key": private, "private_key_id": "k1"})
