"""A destination that can empty what a sync fills: the database table as an audience."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from psycopg import sql

from connectors.destinations.postgres import PostgresDestination
from connectors.sdk.destination import DestinationDefinition, Job
from connectors.sdk.errors import Unavailable

_TYPES = tuple(replace(kind, clears="the table") for kind in PostgresDestination.definition.sync_types)


class AudienceDestination(PostgresDestination):
    """Clearing deletes every row; ``down`` makes it fail."""

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
