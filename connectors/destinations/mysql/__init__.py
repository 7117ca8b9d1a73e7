"""MySQL and MariaDB: rows of a model become rows of a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import pymysql
from pymysql.constants import CLIENT

from connectors.destinations.mysql.catalog import TableShape, list_tables, read_table
from connectors.destinations.mysql.failures import typed
from connectors.destinations.mysql.session import LOAD, TableSession
from connectors.sdk.destination import DestinationDefinition, DestinationField, Job
from connectors.sdk.errors import AuthError
from connectors.sdk.fields import Select
from connectors.sdk.mysql import Connection, Server, connect, leave
from connectors.sdk.mysql_source import server_fields
from connectors.sdk.tables import TableDestination, table_sync_type
from connectors.sdk.types import Choice, Verification

T = TypeVar("T")
DEFAULT_BATCH = 1_000
# Values are refused, never cut; a zero stays a zero; and what the server's own mode says of quotes does not count.
_SESSION = (
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION'"
)
STRATEGY = Select(
    name="strategy",
    label="How rows are written",
    default="upsert",
    style="cards",
    choices=(
        Choice("upsert", "Insert or update", "Columns that are not mapped keep their values."),
        Choice(
            LOAD,
            "Load and replace",
            "Many times faster for large loads. Replaces whole rows: columns that are not mapped lose their values.",
        ),
    ),
    group="Load",
)


class MySQLDestination(TableDestination):
    """A database whose tables syncs fill."""

    definition = DestinationDefinition(
        key="mysql",
        name="MySQL and MariaDB",
        category="Databases",
        summary="Keep a table of your application or tool in step with a model.",
        docs_url="docs/destinations/mysql.md",
        fields=server_fields(limit=False, user="Best a user of its own, allowed to change only the tables it fills."),
        verification=Verification.SERVER,
        sync_types=(table_sync_type(DEFAULT_BATCH, STRATEGY, most=50_000),),
    )

    async def check(self) -> None:
        """Connects and asks what may be written to."""
        if not await self._asked(list_tables):
            raise AuthError(
                f"Connected, but {self.config.get('user')} may change no table of {self.config.get('database')}.",
                hint="Grant it SELECT, INSERT, UPDATE and DELETE on the tables that syncs fill.",
            )

    async def tables(self) -> Sequence[Choice]:
        """What the user may write to, for the table picker."""
        return await self._asked(list_tables)

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        name = str(settings.get("table") or "")
        return (await self._asked(lambda connection: read_table(connection, name))).fields() if name else ()

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[TableSession]:
        connection = await asyncio.to_thread(self._connect, self.limits(job).timeout_s)
        try:
            yield TableSession(connection, await asyncio.to_thread(_shape, connection, job), job)
        finally:
            leave(connection)

    async def _asked(self, ask: Callable[[Connection], T]) -> T:
        def asked() -> T:
            connection = self._connect(30.0)
            try:
                with _told():
                    return ask(connection)
            finally:
                leave(connection)

        return await asyncio.to_thread(asked)

    def _connect(self, timeout_s: float) -> Connection:
        flags = CLIENT.MULTI_STATEMENTS | CLIENT.FOUND_ROWS | CLIENT.LOCAL_FILES
        connection = connect(Server.of(self.config), self.environment, flags=flags, read_s=timeout_s)
        with _told():
            connection.query(_SESSION)
            connection.query(f"SET innodb_lock_wait_timeout = {max(1, int(timeout_s) - 1)}")
        return connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except pymysql.Error as error:
        raise typed(error) from error


def _shape(connection: Connection, job: Job) -> TableShape:
    with _told():
        return read_table(connection, str(job.settings.get("table") or ""))
