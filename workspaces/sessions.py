"""Sessions, kept in the database; every page of somebody who has signed in reads one."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from config.postgres.compiled import Compiled

_LIVING = Compiled(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now), "key", "now", open=True
)


class SessionStore(db.SessionStore):
    """Django's, with its question compiled once."""

    def _get_session_from_db(self) -> Session | None:
        found = _LIVING.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        return found
