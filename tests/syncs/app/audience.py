"""A destination that can empty what a sync fills and tells whom it knows: the database table as an audience."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from psycopg import sql

from connectors.destinations.postgres import PostgresDestination
from connectors.sdk.destination import DestinationDefinition, Job, MatchStats
from connectors.sdk.errors import Unavailable

_TYPES = tuple(
    replace(kind, clears="the table", match_stats=True) for kind in PostgresDestination.definition.sync_types
)


class AudienceDestination(PostgresDestination):
    """Clearing deletes every row; ``down`` makes it and reports fail. It knows people of the plan “free”."""

    definition: ClassVar[DestinationDefinition] = replace(PostgresDestination.definition, sync_types=_TYPES)
    cleared: ClassVar[int] = 0
    down: ClassVar[bool] = False

    async def clear(self, job: Job) -> None:
        if type(self).down:
            raise Unavailable("The audience service is down.")
        type(self).cleared += 1
        schema, _, table = str(job.settings["table"]).partition(".")
        async with self._connected() as connection, connection.transaction():
            await connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(schema, table)))

    async def match_stats(self, job: Job) -> MatchStats | None:
        if type(self).down:
            raise Unavailable("The audience service is down.")
        schema, _, table = str(job.settings["table"]).partition(".")
        known = sql.SQL("SELECT count(*) FILTER (WHERE plan = 'free'), count(*) FROM {}")
        async with self._connected() as connection:
            cursor = await connection.execute(known.format(sql.Identifier(schema, table)))
            [(matched, sent)] = await cursor.fetchall()
        if not sent:
            return None
        at = datetime(2026, 3, 1, 9, tzinfo=UTC)
        return MatchStats(matched=matched, rate=matched / sent, at=at, status="Ready", url="https://ads.test/list/7")
