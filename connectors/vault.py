"""The tokens of one connection, as connectors reach them while they work.

Many services take each refresh token once, so only one worker renews: it holds the
row's lock until the new tokens are stored, and whoever waited finds them there. A
worker that is killed lets go of the lock; the next one tries the old refresh token
again, and if the service has spent it, says that a person has to reconnect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from django.db import connection as database
from django.db import transaction

from connectors.models import Connection, OAuthToken
from connectors.sdk.tokens import ConsentOver, Renew, Tokens
from connectors.secrets import decrypt
from connectors.services import tokens as store
from workspaces.scoping import workspace_scope

T = TypeVar("T")
NOBODY = "Nobody has signed in at the service yet."
MOVED = "The address has changed since somebody signed in, and the tokens of then are not sent to another system."


class StoredTokens:
    """Reads and renews a connection's tokens; see :class:`connectors.sdk.tokens.TokenVault`."""

    def __init__(self, connection: Connection, places: Mapping[str, str]) -> None:
        self._workspace_id = connection.workspace_id
        self._of = {f"{connection.kind.value}_id": connection.pk}
        self._places = dict(places)

    async def read(self) -> Tokens:
        """The tokens as they are now; raises ``ConsentOver`` where there are none that hold."""
        return await asyncio.to_thread(self._within, self._read)

    async def renewed(self, old: Tokens, renew: Renew) -> Tokens:
        """Tokens newer than ``old``, fetched by whoever is first."""
        return await asyncio.to_thread(self._within, lambda: self._renewed(old, renew))

    def _within(self, work: Callable[[], T]) -> T:
        """In a thread of its own with its own connection: the event loop's thread may not touch the database."""
        try:
            with workspace_scope(self._workspace_id):
                return work()
        finally:
            database.close()

    def _read(self) -> Tokens:
        return self._opened(OAuthToken.objects.filter(**self._of).first())[1]

    def _renewed(self, old: Tokens, renew: Renew) -> Tokens:
        started = store.note_renewal(self._of)
        with transaction.atomic():
            row, kept = self._opened(OAuthToken.objects.select_for_update().filter(**self._of).first())
            if kept.access != old.access:
                return kept
            try:
                return store.keep_renewed(row, asyncio.run(renew(kept)))
            except ConsentOver as error:
                over = _explained(error, row, started)
                store.keep_refusal(row, over.message)
        raise over

    def _opened(self, row: OAuthToken | None) -> tuple[OAuthToken, Tokens]:
        if row is None:
            raise ConsentOver(NOBODY, hint="Open the connection and choose Connect.")
        if row.places != self._places:
            raise ConsentOver(MOVED)
        if row.refused_at is not None:
            raise ConsentOver(row.refused_message)
        kept = decrypt(row.sealed)
        expires = row.expires_at.timestamp() if row.expires_at else None
        return row, Tokens(access=kept["access"], refresh=kept["refresh"], expires_at=expires, scope=row.scope)


def _explained(error: ConsentOver, row: OAuthToken, started: datetime) -> ConsentOver:
    """The refusal, with the likely reason where an earlier renewal's answer never reached us."""
    since = row.renewing_since
    if since is None or since >= started:
        return error
    return ConsentOver(
        f"{error.message} A renewal of {since:%d %b %Y, %H:%M} UTC was interrupted before its answer was stored, "
        "and the service may have replaced the refresh token then."
    )
