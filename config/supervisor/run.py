"""The life of one installation: services up, migrations, processes, and everything down again."""

from __future__ import annotations

import http.client
import logging
import sys
import time
from collections.abc import Iterator, Mapping

from config.embedded import EmbeddedError, EmbeddedServices
from config.embedded.ports import is_free
from config.supervisor.children import Child, run_once
from config.supervisor.ending import EndAsked, Ending
from config.supervisor.options import CHECKOUT, Options

logger = logging.getLogger("headrace.supervisor")

# Together under the 15 seconds that Ctrl-C may take: processes, then the two servers.
APP_GRACE = 8.5
READY_TIMEOUT = 90.0
LOOK_INTERVAL = 0.25
GIVE_UP_AFTER = 5  # crashes of the web process before it answered once


class Supervisor:
    """Runs embedded services, web, workers and scheduler as children of this process."""

    def __init__(self, options: Options, environment: Mapping[str, str]) -> None:
        self._options = options
        self._services = EmbeddedServices(options.data_dir, postgres=options.runs_postgres, redis=options.runs_redis)
        self._environment = dict(environment)
        self._children: list[Child] = []
        self._ending = Ending()

    def run(self, *, demo: bool) -> int:
        """Run until a signal (status 0), a failure (1), or the end of a demo that is to end by itself."""
        began = time.monotonic()
        with self._ending.listening():
            try:
                return self._run(demo=demo, began=began)
            except EndAsked:
                logger.info("Stopping")
                return 0
            finally:
                self._ending.ignore_signals()
                self._stop()

    def _run(self, *, demo: bool, began: float) -> int:
        self._check_port()
        with self._ending.interrupts():  # recovery after a crash may take minutes
            self._services.start()
        (self._options.data_dir / "static").mkdir(exist_ok=True)  # the web process looks for collected files there
        env = self._child_env(demo=demo)
        if status := run_once(_manage("migrate", "--noinput", "--verbosity", "0"), env, CHECKOUT, self._ending.check):
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
        status = run_once(_manage("demo"), env, CHECKOUT, self._ending.check)
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
        # Who a request comes from is judged by HEADRACE_TRUSTED_PROXIES alone.
        web += ["--no-proxy-headers", "--timeout-graceful-shutdown", "4"]
        commands = {"web": web, "scheduler": _manage("run_scheduler")}
        if options.runs_tunnels:
            commands["tunnels"] = _manage("run_tunnel_server")
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
        self._ending.check()
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
