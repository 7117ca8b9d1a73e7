"""The life of one installation: services up, migrations, processes, and everything down again."""

from __future__ import annotations

import http.client
import logging
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from config.embedded import EmbeddedError, EmbeddedServices
from config.embedded.ports import is_free
from config.supervisor.children import Child, run_once
from config.supervisor.options import CHECKOUT, Options

logger = logging.getLogger("headrace.supervisor")

# Together under the 15 seconds that Ctrl-C may take: processes, then the two servers.
APP_GRACE = 8.5
READY_TIMEOUT = 90.0
LOOK_INTERVAL = 0.25
GIVE_UP_AFTER = 5  # crashes of the web process before it answered once
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _EndAsked(BaseException):
    """A signal asked to end; not an ``Exception``, so that nothing swallows it on the way."""


class Supervisor:
    """Runs embedded services, web, workers and scheduler as children of this process."""

    def __init__(self, options: Options, environment: Mapping[str, str]) -> None:
        self._options = options
        self._services = EmbeddedServices(options.data_dir, postgres=options.runs_postgres, redis=options.runs_redis)
        self._environment = dict(environment)
        self._children: list[Child] = []

    def run(self, *, demo: bool) -> int:
        """Run until a signal (status 0), a failure (1), or the end of a demo that is to end by itself."""
        began = time.monotonic()
        with _signals_raise():
            try:
                return self._run(demo=demo, began=began)
            except _EndAsked:
                logger.info("Stopping")
                return 0
            finally:
                _ignore_signals()
                self._stop()

    def _run(self, *, demo: bool, began: float) -> int:
        self._check_port()
        self._services.start()
        (self._options.data_dir / "static").mkdir(exist_ok=True)  # the web process looks for collected files there
        env = self._child_env(demo=demo)
        if status := run_once(_manage("migrate", "--noinput", "--verbosity", "0"), env, CHECKOUT):
            logger.error("The database could not be brought up to date (status %s)", status)
            return 1
        self._children = self._make_children(env)
        for child in self._children:
            child.start()
        self._wait_until_ready()
        logger.info("Ready after %.1f s: %s  (Ctrl-C stops)", time.monotonic() - began, self._options.base_url)
        if demo:
            status = self._run_demo(env)
            if status or self._options.demo_exit:
                return status
        while True:
            self._look_after_children()
            time.sleep(LOOK_INTERVAL)

    def _run_demo(self, env: Mapping[str, str]) -> int:
        status = run_once(_manage("demo"), env, CHECKOUT)
        if status:
            logger.error("The demo failed (status %s)", status)
        return status

    def _check_port(self) -> None:
        port, host = self._options.port, self._options.host
        if not is_free(port, host):
            raise EmbeddedError(
                f"Port {port} on {host} is already in use. Stop what uses it, "
                f"or choose another with HEADRACE_PORT, for example: HEADRACE_PORT={port + 1} make demo"
            )

    def _child_env(self, *, demo: bool) -> dict[str, str]:
        env = {
            **self._environment,
            **self._services.env(),
            "HEADRACE_DATA_DIR": str(self._options.data_dir),
            "HEADRACE_BASE_URL": self._options.base_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
        }
        if demo or (self._options.data_dir / "demo.json").exists():
            env["HEADRACE_DEMO"] = "true"
            env.setdefault("HEADRACE_OUTBOUND_ALLOW", ",".join(self._own_addresses()))
            env.setdefault("HEADRACE_DEMO", "True")
        return env

    def _own_addresses(self) -> Iterator[str]:
        """What the demo's syncs call: the inspector page served here and the demo's own database."""
        yield f"127.0.0.1:{self._options.port}"
        yield from self._services.urls.acme_address()

    def _make_children(self, env: Mapping[str, str]) -> list[Child]:
        options = self._options
        web = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", options.host]
        web += ["--port", str(options.port), "--no-access-log", "--log-level", "warning", "--lifespan", "off"]
        web += ["--timeout-graceful-shutdown", "4"]
        commands = {"web": web, "scheduler": _manage("run_scheduler")}
        for number in range(1, options.worker_processes + 1):
            commands[f"worker-{number}"] = [sys.executable, "-m", "config.worker"]
        return [Child(name, command, env, CHECKOUT) for name, command in commands.items()]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        while not self._answers():
            self._look_after_children()
            web = self._children[0]
            if web.crashes >= GIVE_UP_AFTER or time.monotonic() > deadline:
                raise EmbeddedError("The web process does not come up; its own words are above.")
            time.sleep(LOOK_INTERVAL)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self._options.host, self._options.port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _look_after_children(self) -> None:
        self._services.revive()
        for child in self._children:
            child.look_after()

    def _stop(self) -> None:
        for child in self._children:
            child.ask_to_end()
        deadline = time.monotonic() + APP_GRACE
        for child in self._children:
            child.end_by(deadline)
        self._services.stop()


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


@contextmanager
def _signals_raise() -> Iterator[None]:
    def raise_once(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise _EndAsked

    before = {number: signal.signal(number, raise_once) for number in END_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """Once ending has begun a second Ctrl-C must not leave half of it undone."""
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
