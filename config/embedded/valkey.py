"""The embedded Redis-speaking server (Valkey), started as our own foreground child."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from pathlib import Path

import redis

from config.embedded import ports
from config.embedded.child_log import last_words, log_since, log_size
from config.embedded.errors import EmbeddedError, PortTaken
from config.embedded.place import Place
from config.embedded.process import spawn, stop

logger = logging.getLogger("headrace.embedded")

START_TIMEOUT = 60.0  # seconds; the append-only file is replayed first
STOP_GRACE = 4.0
PORT_ATTEMPTS = 5
DATABASES = 64


class ValkeyServer:
    """One Valkey server over ``place/valkey``, appending to its file every second."""

    def __init__(self, place: Place, log: Path, password: str, *, durable: bool = True) -> None:
        self._place = place
        self._durable = durable
        self._log = log
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{ports.LOOPBACK}:{self.port}"

    def start(self, remembered_port: int | None) -> None:
        """Start and wait until it answers."""
        folder = self._place.make_folder("valkey")
        for _ in range(PORT_ATTEMPTS):
            self.port = ports.choose(remembered_port)
            try:
                self._launch(folder)
                return
            except PortTaken:
                remembered_port = None
        raise EmbeddedError(f"The Redis-speaking server found no free port; see {self._log}")

    def ask_to_end(self) -> None:
        """Begin the shutdown without waiting for it."""
        if self.alive() and self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Flush the append-only file and end."""
        if self._process is not None:
            stop(self._process, ask=signal.SIGTERM, grace=STOP_GRACE)
            self._process = None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _launch(self, folder: Path) -> None:
        config = self._write_config(folder)
        before = log_size(self._log)
        with self._log.open("ab") as log:
            self._process = spawn(
                [str(self._place.valkey), str(config)],
                env={"PATH": os.defpath, "LC_ALL": "C"},
                output=log,
                identity=self._place.identity,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if self._process.poll() is not None:
                raise self._why_it_ended(before)
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"The Redis-speaking server was not ready in time; see {self._log}")
            time.sleep(0.02)

    def _write_config(self, folder: Path) -> Path:
        """The password goes into a private file: a command line is visible to everyone."""
        path = folder / "valkey.conf"
        lines = [
            f"bind {ports.LOOPBACK}",
            f"port {self.port}",
            f'dir "{folder}"',
            f'requirepass "{self._password}"',
            f"databases {DATABASES}",
            "daemonize no",
            f"appendonly {'yes' if self._durable else 'no'}",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
        ]
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")
        if self._place.identity:
            os.chown(path, self._place.identity.uid, self._place.identity.gid)
        return path

    def _ready(self) -> bool:
        try:
            with redis.Redis(port=self.port, password=self._password, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _why_it_ended(self, log_offset: int) -> Exception:
        if "Address already in use" in log_since(self._log, log_offset):
            return PortTaken(f"port {self.port} was taken")
        reason = last_words(self._log, log_offset)
        return EmbeddedError(f"The Redis-speaking server ended at start: {reason} (see {self._log})")
