"""Test databases, copied from a migrated template that is rebuilt only when a migration changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from config.postgres.kept import kept

CHECKOUT = Path(__file__).resolve().parents[2]
# What decides the schema: our migrations, and the operations they use…
SCHEMA_SOURCES = ("*/migrations/*.py", "*/*/migrations/*.py", "workspaces/walls.py", "config/postgres/operations.py")
# …and these packages' own migrations.
PACKAGES = ("Django", "django-allauth", "django-guardian")
RUN_PREFIX = "test_run_"
TEMPLATE_PREFIX = "test_template_"


def at(url: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def create_test_database(url: str, lock_folder: Path) -> str:
    """Make a fresh migrated database for this process; return its name."""
    template = TEMPLATE_PREFIX + fingerprint()
    name = f"{RUN_PREFIX}{os.getpid()}"
    with alone(lock_folder / "template.lock"), psycopg.connect(url, autocommit=True) as connection:
        if not _exists(connection, template):
            _build_template(connection, url, template)
        _drop(connection, name)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return name


def drop_test_database(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        _drop(connection, name)


def drop_leftovers(url: str) -> None:
    """Drop databases that killed test processes left. Only while no test process runs."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [RUN_PREFIX]
        ).fetchall()
        for (name,) in rows:
            _drop(connection, name)


def use_database(url: str) -> None:
    """Point Django's default connection at this database."""
    parts = urlsplit(url)
    connection = connections["default"]
    let_go()
    for known in (connections.settings["default"], connection.settings_dict):
        known.update(
            NAME=parts.path.lstrip("/"),
            USER=parts.username or "",
            PASSWORD=parts.password or "",
            HOST=parts.hostname or "",
            PORT=str(parts.port or ""),
        )


def let_go() -> None:
    """Close this thread's connection, and those that are kept for the next thread."""
    connections["default"].close()
    kept.close()


def keep_connection() -> None:
    """Let jobs that a test carries out in its own thread share one connection.

    Each opens one and closes it; a connection costs both sides more than most jobs. Other threads still do.
    """
    connection = connections["default"]
    connection.settings_dict = {**connection.settings_dict, "CONN_MAX_AGE": None}


def _build_template(connection: psycopg.Connection, url: str, template: str) -> None:
    """Migrate under a working name first: a template either is complete or does not exist."""
    for (old,) in connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [TEMPLATE_PREFIX]
    ).fetchall():
        _drop(connection, old)
    partial = f"{TEMPLATE_PREFIX}partial"
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(partial)))
    use_database(at(url, partial))
    call_command("migrate", interactive=False, verbosity=0)
    let_go()
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(partial), sql.Identifier(template))
    )


def fingerprint() -> str:
    """Another one whenever a migration changes."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        digest.update(f"{package} {version(package)}\n".encode())
    for pattern in SCHEMA_SOURCES:
        for path in sorted(CHECKOUT.glob(pattern)):
            digest.update(str(path.relative_to(CHECKOUT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock among all test processes."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
