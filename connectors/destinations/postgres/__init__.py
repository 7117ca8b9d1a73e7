"""PostgreSQL: rows of a model become rows of a table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg

from connectors.destinations.postgres.catalog import Connection, list_tables, read_table
from connectors.destinations.postgres.failures import refused_connection, typed
from connectors.destinations.postgres.session import TableSession, open_session
from connectors.destinations.postgres.settings import DEFINITION
from connectors.sdk.destination import DestinationField, Job
from connectors.sdk.errors import ConfigError
from connectors.sdk.postgres import OPERATORS_OWN
from connectors.sdk.tables import TableDestination
from connectors.sdk.tunnels import route_async
from connectors.sdk.types import Choice

_CONNECT_TIMEOUT_S = 10


class PostgresDestination(TableDestination):
    """A database whose tables syncs fill."""

    definition = DEFINITION

    async def check(self) -> None:
        """Connects and asks for a constant."""
        async with self._connected() as connection:
            await connection.execute("SELECT 1")

    async def tables(self) -> Sequence[Choice]:
        """What the user may write to, for the table picker."""
        async with self._connected() as connection:
            return await list_tables(connection)

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if not settings.get("table"):
            return ()
        async with self._connected() as connection:
            return (await read_table(connection, str(settings["table"]))).fields()

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[TableSession]:
        async with self._connected() as connection:
            yield await open_session(connection, job, self.limits(job).timeout_s)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        """A connection to an address that may be called; errors are typed."""
        connection = await self._connect()
        try:
            yield connection
        except psycopg.Error as error:
            raise typed(error) from error
        finally:
            await connection.close()

    async def _connect(self) -> Connection:
        config = self.config
        host, port = str(config.get("host") or "").strip(), int(config.get("port") or 5432)
        if not host or host.startswith(("/", "@")) or "," in host:
            raise ConfigError(
                "The host is not a name or an IP address.", field="host", hint="For example db.example.com."
            )
        way = await route_async(self.environment, host, port)
        certificate = _authority_file(config.get("ca_certificate") or "")
        try:
            return await psycopg.AsyncConnection.connect(
                host=",".join([host] * len(way.addresses)),
                hostaddr=",".join(way.addresses),
                port=way.port,
                dbname=config.get("database"),
                user=config.get("user"),
                password=config.get("password") or "",
                sslmode=config.get("sslmode") or "prefer",
                sslrootcert=certificate or _system_authorities(config),
                connect_timeout=_CONNECT_TIMEOUT_S,
                application_name="headrace",
                client_encoding="utf8",
                # A server that vanished is noticed within a minute or two, not after hours.
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
                tcp_user_timeout=60_000,
                **OPERATORS_OWN,
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            raise refused_connection(error, host) from error
        finally:
            if certificate:
                Path(certificate).unlink()


def _authority_file(certificate: str) -> str | None:
    """libpq reads authorities from files only."""
    if not certificate:
        return None
    handle, path = tempfile.mkstemp(prefix="headrace-ca-")
    with os.fdopen(handle, "w") as file:
        file.write(certificate)
    return path


def _system_authorities(config: Mapping[str, Any]) -> str | None:
    # libpq takes the system's authorities for full verification only.
    return "system" if config.get("sslmode") == "verify-full" else None
