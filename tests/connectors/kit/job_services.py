"""dbt Cloud and Fivetran as their documentation describes them, no more: what it does not name is refused."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN, KEY, SECRET = "dbtc_0123456789", "fivetran-key", "fivetran-secret"
ORDERS = {"id", "-id", "created_at", "-created_at", "finished_at", "-finished_at"}


@dataclass
class JobServices:
    """Both services at one address. ``runs`` are (job id, run id, status, finished) of dbt, newest last."""

    address: str = ""
    jobs: dict[int, list[str]] = field(default_factory=lambda: {7: ["Nightly", "Hourly"], 8: []})
    runs: list[tuple[int, int, int, str]] = field(default_factory=list)
    synced: dict[str, str | None] = field(default_factory=lambda: {"warm_river": None, "cold_lake": None})
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def answer(self, path: str, query: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Status and body."""
        self.asked.append(path)
        if self.down:
            return 503, {"message": "maintenance"}
        if path.startswith("/api/v2"):
            if authorization != f"Token {TOKEN}":
                return 401, {"status": {"code": 401, "user_message": "Invalid token."}}
            return self._dbt(path.removeprefix("/api/v2").strip("/").split("/"), query)
        if authorization != "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode():
            return 401, {"code": "AuthFailed", "message": "Missing or invalid authorization"}
        return self._fivetran(path.removeprefix("/v1/").split("/"), query)

    def _dbt(self, parts: list[str], query: dict[str, str]) -> tuple[int, Any]:
        match parts:
            case ["accounts"] if not query:
                return 200, _data([{"id": number, "name": f"Account {number}"} for number in self.jobs])
            case ["accounts", account, "jobs"] if query.keys() <= {"limit", "offset", "project_id"}:
                names = self.jobs[int(account)]
                page = [{"id": 100 + at, "name": name} for at, name in enumerate(names)][int(query["offset"]) :]
                return 200, _data(page[: int(query["limit"])])
            case ["accounts", "7", "runs"] if query.get("order_by") in ORDERS and int(query["limit"]) <= 100:
                job, status = int(query["job_definition_id"]), int(query["status"])
                found = [run for run in self.runs if run[0] == job and run[2] == status]
                found.sort(key=lambda run: run[3], reverse=query["order_by"] == "-finished_at")
                rows = [{"id": run[1], "job_definition_id": run[0], "status": run[2]} for run in found]
                return 200, _data(rows[: int(query["limit"])])
        return 404, {"status": {"code": 404, "user_message": "The requested resource was not found"}}

    def _fivetran(self, parts: list[str], query: dict[str, str]) -> tuple[int, Any]:
        match parts:
            case ["groups"] if query.keys() <= {"limit", "cursor"} and int(query["limit"]) <= 1000:
                return 200, _items([{"id": "g1", "name": "Warehouse"}])
            case ["groups", "g1", "connections"] if query.keys() <= {"limit", "cursor", "schema"}:
                ids = sorted(self.synced)
                at = ids.index(query["cursor"]) if "cursor" in query else 0
                following = ids[at + 1] if at + 1 < len(ids) else None
                return 200, _items([{"id": ids[at], "schema": ids[at], "service": "postgres"}], following)
            case ["connections", connection] if connection in self.synced:
                return 200, {"code": "Success", "data": {"id": connection, "succeeded_at": self.synced[connection]}}
        return 404, {"code": "NotFound", "message": "Cannot find it"}


def _data(rows: list[Any]) -> dict[str, Any]:
    return {"status": {"code": 200, "is_success": True}, "data": rows}


def _items(rows: list[Any], cursor: str | None = None) -> dict[str, Any]:
    return {"code": "Success", "data": {"items": rows, **({"next_cursor": cursor} if cursor else {})}}


@contextmanager
def job_services() -> Iterator[JobServices]:
    """Both services, at an address of their own."""
    services = JobServices()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            authorization = self.headers.get("Authorization", "")
            status, body = services.answer(url.path, dict(parse_qsl(url.query)), authorization)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    services.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
