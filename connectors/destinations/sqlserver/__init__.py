"""Microsoft SQL Server and Azure SQL Database: rows of a model become rows of a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from connectors.destinations.sqlserver.catalog import TableShape, list_tables, read_table
from connectors.destinations.sqlserver.failures import typed
from connectors.destinations.sqlserver.session import TableSession
from connectors.sdk.destination import DestinationDefinition, DestinationField, Job
from connectors.sdk.errors import AuthError
from connectors.sdk.tables import TableDestination, table_sync_type
from connectors.sdk.tds import FAILURES, Session, connect
from connectors.sdk.tds_settings import server_fields, server_of
from connectors.sdk.types import Choice, Verification

T = TypeVar("T")
DEFAULT_BATCH = 1_000
# What a login's own language says of dates does not count.
_SETTINGS = "SET LANGUAGE us_english"
_ASKING_S = 60.0


class SqlServerDestination(TableDestination):
    """A database whose tables syncs fill."""

    definition = DestinationDefinition(
        key="sqlserver",
        name="Microsoft SQL Server",
        category="Databases",
        summary="Keep a table of SQL Server or Azure SQL Database in step with a model.",
        docs_url="docs/destinations/sqlserver.md",
        fields=server_fields(
            "password",
            "connection_string",
            user="Best a user of its own, allowed to change only the tables it fills.",
            limit=False,
        ),
        verification=Verification.DOCS,
        sync_types=(table_sync_type(DEFAULT_BATCH, most=50_000),),
    )

    async def check(self) -> None:
        """Connects and asks what may be written to."""
        if not await self._asked(list_tables):
            raise AuthError(
                "Connected, but this user may change no table of the database.",
                hint="Grant it SELECT, INSERT, UPDATE and DELETE on the tables that syncs fill.",
            )

    async def tables(self) -> Sequence[Choice]:
        """What the user may write to, for the table picker."""
        return await self._asked(list_tables)

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        name = str(settings.get("table") or "")
        return (await self._asked(lambda session: read_table(session, name))).fields() if name else ()

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[TableSession]:
        session = await asyncio.to_thread(self._connect, self.limits(job).timeout_s)
        try:
            yield TableSession(session, await asyncio.to_thread(_shape, session, job), job)
        finally:
            session.close()

    async def _asked(self, ask: Callable[[Session], T]) -> T:
        def asked() -> T:
            session = self._connect(_ASKING_S)
            try:
                with _told():
                    return ask(session)
            finally:
                session.close()

        return await asyncio.to_thread(asked)

    def _connect(self, timeout_s: float) -> Session:
        session = connect(server_of(self.config), self.environment, limit_s=timeout_s)
        with _told():
            session.run(_SETTINGS)
        return session


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise typed(error) from error


def _shape(session: Session, job: Job) -> TableShape:
    with _told():
        return read_table(session, str(job.settings.get("table") or ""))
