"""What lies in the home of whoever runs Headrace is not for connections that people set up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config.embedded import Urls
from connectors.destinations.postgres import PostgresDestination
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError
from connectors.sources.postgres import PostgresSource


@pytest.fixture
def no_password(services: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Settings without a password, while the operator's own is at hand for libpq."""
    at = urlsplit(services.acme_url)
    own = tmp_path / "pgpass"
    own.write_text(f"*:*:*:*:{at.password}\n")
    own.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(own))
    monkeypatch.setenv("PGPASSWORD", str(at.password))
    with psycopg.connect(host=at.hostname, port=at.port, user=at.username, dbname=at.path[1:]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,), "libpq itself would let them in"
    return {"host": at.hostname, "port": at.port, "database": at.path[1:], "user": at.username, "password": ""}


def test_a_source_without_a_password_does_not_borrow_the_operators(no_password: dict[str, object]) -> None:
    with pytest.raises(AuthError):
        PostgresSource(no_password, Environment(outbound_allow=("*",))).tables()


async def _check(settings: dict[str, object]) -> None:
    await PostgresDestination(settings, Environment(outbound_allow=("*",))).check()


def test_a_destination_without_a_password_does_not_borrow_the_operators(no_password: dict[str, object]) -> None:
    with pytest.raises(AuthError):
        asyncio.run(_check(no_password))
