"""Real servers and files for sources: a PostgreSQL database of this process's own, a folder that may be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from psycopg import sql

from config.embedded import Urls
from connectors.sdk.context import Environment
from tests.support.databases import RUN_PREFIX, at


@pytest.fixture(scope="session")
def source_url(services: Urls) -> Iterator[str]:
    """An empty PostgreSQL database that tests may fill."""
    name = f"{RUN_PREFIX}{os.getpid()}_source"
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield at(services.database_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_config(source_url: str) -> dict[str, object]:
    """The settings of a PostgreSQL source that reads this database."""
    parts = urlsplit(source_url)
    return {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "database": parts.path.lstrip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }


@pytest.fixture
def loopback() -> Environment:
    """What an operator sets who allows connections to this machine."""
    return Environment(outbound_allow=("*",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The one folder that may be read; its neighbour may not."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (tmp_path / "outside.csv").write_text("secret\n1\n")
    return allowed


@pytest.fixture
def files_allowed(folder: Path) -> Environment:
    """What an operator sets who allows this folder."""
    return Environment(local_roots=(str(folder),))
