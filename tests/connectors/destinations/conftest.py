"""Real servers for destinations: a database of this process's own, and a store that speaks S3."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer
from psycopg import sql

pytest.register_assert_rewrite("tests.connectors.kit.drivers", "tests.connectors.kit.brokers")

from config.embedded import Urls  # noqa: E402 - drivers are rewritten first
from tests.connectors.kit.drivers import Ground  # noqa: E402
from tests.support import mariadb, mongodb  # noqa: E402
from tests.support.databases import RUN_PREFIX, at  # noqa: E402


@pytest.fixture(scope="session")
def target_url(services: Urls) -> Iterator[str]:
    """An empty database that destinations may fill."""
    name = sql.Identifier(f"{RUN_PREFIX}{os.getpid()}_target")
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield at(services.database_url, f"{RUN_PREFIX}{os.getpid()}_target")
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """An emulator of AWS, on loopback; functions answer what they are told to, and do not run."""
    default_user_config["lambda"]["use_docker"] = False
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def mysql_login() -> Iterator[Callable[[], dict[str, Any]]]:
    """How root logs in to a real MariaDB, started when it is first asked for; skips where there is none."""
    with ExitStack() as stack:
        found: list[dict[str, Any] | None] = []

        def ask() -> dict[str, Any]:
            if not found:
                found.append(stack.enter_context(mariadb.a_server()))
            if found[0] is None:
                pytest.skip(mariadb.WORDS)
            return found[0]

        yield ask


@pytest.fixture(scope="session")
def mongodb_deployment() -> Iterator[Callable[[], mongodb.Deployment]]:
    """A stand-in of MongoDB, started when it is first asked for; skips where it is not installed."""
    with ExitStack() as stack:
        found: list[mongodb.Deployment | None] = []

        def ask() -> mongodb.Deployment:
            if not found:
                found.append(stack.enter_context(mongodb.a_deployment()))
            if found[0] is None:
                pytest.skip(mongodb.WORDS)
            return found[0]

        yield ask


@pytest.fixture
def ground(
    services: Urls,
    target_url: str,
    store_url: str,
    tmp_path: Path,
    mysql_login: Callable[[], dict[str, Any]],
    mongodb_deployment: Callable[[], mongodb.Deployment],
) -> Ground:
    return Ground(target_url, tmp_path, store_url, mysql_login, services.redis_url, mongodb_deployment)
