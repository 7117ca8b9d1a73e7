"""Start and stop the embedded servers together, and tell others where they are."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psutil

from config.embedded import place
from config.embedded.errors import AlreadyRunning, EmbeddedError
from config.embedded.postgres import PostgresServer
from config.embedded.valkey import ValkeyServer

logger = logging.getLogger("headrace.embedded")

APP_ROLE = "headrace"
ACME_ROLE = "acme"
ACME_DATABASE = "acme_app"
LOCK_PATIENCE = 10.0  # seconds for a supervisor that is just ending


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses of the running services; empty for one that somebody else runs.

    ``acme_url`` is the database that plays a customer's own one in the demo.
    """

    database_url: str = ""
    redis_url: str = ""
    acme_url: str = ""

    def env(self) -> dict[str, str]:
        """Environment of a child process that uses them."""
        named = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url, "HEADRACE_ACME_URL": self.acme_url}
        return {name: value for name, value in named.items() if value}

    def acme_address(self) -> list[str]:
        """``host:port`` of the demo's destination database, if it runs here."""
        parts = urlsplit(self.acme_url)
        return [f"{parts.hostname}:{parts.port}"] if self.acme_url else []


class EmbeddedServices:
    """PostgreSQL and Valkey over one data folder, owned by this process.

    ``with EmbeddedServices(folder) as services: services.urls``. Only one
    process at a time owns a data folder. ``durable=False`` trades safety for
    speed, for tests.
    """

    def __init__(self, data_dir: Path, *, postgres: bool = True, redis: bool = True, durable: bool = True) -> None:
        self._data_dir = data_dir.resolve()
        self._wants_postgres = postgres
        self._wants_redis = redis
        self._durable = durable
        self._lock: int | None = None
        self._postgres: PostgresServer | None = None
        self._valkey: ValkeyServer | None = None
        self.urls = Urls()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Urls:
        """Take the data folder, start what is wanted, and publish the addresses."""
        place.make_data_dir(self._data_dir)
        self._take_lock()
        try:
            self._start_servers()
        except BaseException:
            self.stop()
            raise
        return self.urls

    def stop(self) -> None:
        """End both servers and give the data folder free. Safe to call twice."""
        self._file("services.json").unlink(missing_ok=True)
        servers = [server for server in (self._valkey, self._postgres) if server]
        self._valkey = self._postgres = None
        for server in servers:
            server.ask_to_end()
        for server in servers:
            server.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def env(self) -> dict[str, str]:
        """Environment that leads a child process to the running services."""
        return self.urls.env()

    def revive(self) -> None:
        """Start a server that ended by itself again, at the address everyone knows."""
        for server in (self._postgres, self._valkey):
            if server is None or server.alive():
                continue
            port = server.port
            logger.error("An embedded server (port %s) ended by itself; starting it again", port)
            server.stop()
            server.start(port)
            if server.port != port:
                raise EmbeddedError(f"Port {port} was taken while its server was down. Start Headrace again.")

    def _file(self, name: str) -> Path:
        return self._data_dir / name

    def _start_servers(self) -> None:
        if not (self._wants_postgres or self._wants_redis):
            return
        where = place.prepare(self._data_dir)
        passwords = self._passwords()
        ports = _read_json(self._file("ports.json"))
        logs = self._file("logs")
        for log in ("postgres.log", "valkey.log"):
            (logs / log).touch(mode=0o600)
            place.hand_over(logs / log, self._data_dir)
        if self._wants_postgres:
            self._postgres = PostgresServer(where, logs / "postgres.log", passwords["postgres"], durable=self._durable)
            self._postgres.start(ports.get("postgres"))
        if self._wants_redis:
            self._valkey = ValkeyServer(where, logs / "valkey.log", passwords["redis"], durable=self._durable)
            self._valkey.start(ports.get("redis"))
        self.urls = self._make_urls(passwords)
        self._remember_ports()
        self._write("services.json", {**asdict(self.urls), "pid": os.getpid()})

    def _make_urls(self, passwords: dict[str, str]) -> Urls:
        database_url = acme_url = ""
        if self._postgres:
            self._postgres.ensure_role(APP_ROLE, passwords["headrace"], APP_ROLE, may_create_databases=True)
            self._postgres.ensure_role(ACME_ROLE, passwords["acme"], ACME_DATABASE, may_create_databases=False)
            database_url = self._postgres.url(APP_ROLE, passwords["headrace"], APP_ROLE)
            acme_url = self._postgres.url(ACME_ROLE, passwords["acme"], ACME_DATABASE)
        return Urls(database_url, self._valkey.url if self._valkey else "", acme_url)

    def _remember_ports(self) -> None:
        ports = _read_json(self._file("ports.json"))
        if self._postgres:
            ports["postgres"] = self._postgres.port
        if self._valkey:
            ports["redis"] = self._valkey.port
        self._write("ports.json", ports)

    def _passwords(self) -> dict[str, str]:
        """Made once and kept, readable only for the owner of the data folder."""
        folder = self._file("secrets")
        if not folder.exists():
            folder.mkdir(mode=0o700)
            place.hand_over(folder, self._data_dir)
        known = _read_json(folder / "embedded.json")
        names = ("postgres", "headrace", "acme", "redis")
        if missing := [name for name in names if name not in known]:
            known |= {name: secrets.token_urlsafe(24) for name in missing}
            self._write("secrets/embedded.json", known)
        return known

    def _write(self, name: str, values: dict[str, Any]) -> None:
        """Replace the file at once, readable only for the owner of the data folder."""
        path = self._file(name)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(values, file, indent=1)
        place.hand_over(partial, self._data_dir)
        partial.replace(path)

    def _take_lock(self) -> None:
        lock = os.open(self._file("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if self._owner_serves() or time.monotonic() > deadline:
                    owner = os.pread(lock, 32, 0).decode().strip()
                    os.close(lock)
                    raise AlreadyRunning(
                        f"Headrace already runs over {self._data_dir} (process {owner or 'unknown'}). "
                        "Stop it first, or set HEADRACE_DATA_DIR to another folder."
                    ) from None
                time.sleep(0.1)
        place.hand_over(self._file("lock"), self._data_dir)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock

    def _owner_serves(self) -> bool:
        """Whether the lock's owner has published addresses: it is not just ending or starting."""
        return running_urls(self._data_dir) is not None


def running_urls(data_dir: Path) -> Urls | None:
    """Addresses of services that a living process runs over this folder, or ``None``."""
    known = _read_json(data_dir / "services.json")
    if not known or not psutil.pid_exists(known.get("pid", -1)):
        return None
    return Urls(known["database_url"], known["redis_url"], known["acme_url"])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found
