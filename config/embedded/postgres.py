"""The embedded PostgreSQL: one cluster, started as our own foreground child.

Only TCP on the loopback address with passwords (SCRAM): no Unix socket, so no
socket path that grows too long and no socket lock left by a crash.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from config.embedded import ports
from config.embedded.child_log import last_words, log_since, log_size
from config.embedded.errors import EmbeddedError, PortTaken
from config.embedded.place import Place
from config.embedded.process import running_as, spawn, stop

logger = logging.getLogger("headrace.embedded")

SUPERUSER = "postgres"
START_TIMEOUT = 300.0  # seconds; recovery after a crash may replay much log
RETRY_TIMEOUT = 20.0  # seconds for what a killed server left behind to go away
STOP_GRACE = 5.0
PERMANENT = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    # Containers give /dev/shm 64 MB; parallel workers would ask for more.
    "max_parallel_workers_per_gather": "0",
}
# For tests only: nothing there must survive a power cut, and whoever could try passwords is in already.
FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "scram_iterations": "1"}


class PostgresServer:
    """One PostgreSQL server over ``place/postgres``."""

    def __init__(self, place: Place, log: Path, password: str, *, durable: bool = True) -> None:
        self._place = place
        self._log = log
        self._password = password
        self._options = PERMANENT if durable else {**PERMANENT, **FLEETING}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def _data(self) -> Path:
        return self._place.folder / "postgres"

    def _program(self, name: str) -> str:
        return str(self._place.postgres_bin / name)

    def start(self, remembered_port: int | None) -> None:
        """Start and wait until it answers; a first start creates the cluster."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._end_orphan()
        deadline = time.monotonic() + RETRY_TIMEOUT
        while True:
            self.port = ports.choose(remembered_port)
            try:
                self._launch()
                return
            except PortTaken:
                remembered_port = None
                if time.monotonic() > deadline:
                    raise
            except _NotYet:
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"PostgreSQL did not start; see {self._log}") from None
                time.sleep(0.5)

    def ask_to_end(self) -> None:
        """Begin the shutdown without waiting for it."""
        if self.alive() and self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """Fast shutdown: open transactions end, data is flushed."""
        if self._process is not None:
            stop(self._process, ask=signal.SIGINT, grace=STOP_GRACE)
            self._process = None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@{ports.LOOPBACK}:{self.port}/{database}"

    def ensure_role(self, role: str, password: str, database: str, *, may_create_databases: bool) -> None:
        """Create an ordinary role and the database it owns, or set its password anew."""
        may = sql.SQL("CREATEDB" if may_create_databases else "NOCREATEDB")
        with psycopg.connect(self.url(SUPERUSER, self._password, "postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
            connection.execute(
                sql.SQL("{} {} LOGIN NOSUPERUSER NOBYPASSRLS {} PASSWORD {}").format(
                    verb, sql.Identifier(role), may, sql.Literal(password)
                )
            )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(role))
                )
            # By default every role may connect to every database of the cluster. Taken away once: the database's row
            # is also what a vacuum that has just started updates, and two at once is an error.
            asked = connection.execute("SELECT has_database_privilege('public', %s, 'CONNECT')", [database])
            if asked.fetchone() == (True,):
                connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))

    def _initialise(self) -> None:
        """Create the cluster beside its final place, so that a kill leaves no half of one."""
        partial = self._place.make_folder("postgres.partial")
        self._empty(partial)
        with self._password_file() as password_file:
            command = [
                self._program("initdb"),
                f"--pgdata={partial}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ]
            before = log_size(self._log)
            with self._log.open("ab") as log:
                done = spawn(command, env=self._env(), output=log, identity=self._place.identity).wait()
        if done != 0:
            reason = last_words(self._log, before)
            raise EmbeddedError(f"PostgreSQL could not create its files: {reason} (see {self._log})")
        partial.rename(self._data)

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[str]:
        with tempfile.NamedTemporaryFile("w", dir=self._place.folder, prefix="pw-") as file:
            file.write(self._password)
            file.flush()
            if self._place.identity:
                os.fchown(file.fileno(), self._place.identity.uid, self._place.identity.gid)
            yield file.name

    @staticmethod
    def _empty(folder: Path) -> None:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _env(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def _launch(self) -> None:
        command = [self._program("postgres"), "-D", str(self._data), "-p", str(self.port)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        before = log_size(self._log)
        with self._log.open("ab") as log:
            self._process = spawn(
                command,
                env=self._env(),
                output=log,
                identity=self._place.identity,
                death_signal=signal.SIGINT,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if self._process.poll() is not None:
                raise self._why_it_ended(before)
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"PostgreSQL was not ready after {START_TIMEOUT:.0f} s; see {self._log}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        command = [self._program("pg_isready"), "-q", "-h", ports.LOOPBACK, "-p", str(self.port), "-t", "5"]
        return subprocess.run(command, env=self._env(), check=False).returncode == 0

    def _why_it_ended(self, log_offset: int) -> Exception:
        said = log_since(self._log, log_offset)
        if "Address already in use" in said or "could not create any TCP/IP sockets" in said:
            return PortTaken(f"port {self.port} was taken")
        # Backends of a killed server still hold its shared memory for a moment.
        if "is still in use" in said or 'lock file "postmaster.pid"' in said:
            self._end_orphan()
            return _NotYet()
        return EmbeddedError(f"PostgreSQL ended at start: {last_words(self._log, log_offset)} (see {self._log})")

    def _end_orphan(self) -> None:
        """Deal with ``postmaster.pid``: end a server nobody owns, forget one that is gone.

        The caller holds the lock of the data folder, so no living supervisor
        owns the server. PostgreSQL itself would trust a reused process id.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        process = running_as(pid, "postgres")
        if process is None or not self._serves_our_data(process):
            pid_file.unlink(missing_ok=True)
            return
        logger.warning("Ending a PostgreSQL server (process %s) that its supervisor left behind", pid)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=STOP_GRACE)
        except psutil.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=STOP_GRACE)

    def _serves_our_data(self, process: psutil.Process) -> bool:
        try:
            return str(self._data) in process.cmdline()
        except psutil.Error:
            return False


class _NotYet(Exception):
    """What a killed server left behind has not gone yet: try again."""
