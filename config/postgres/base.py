"""PostgreSQL backend that tells the server what the session may see.

Row-level security policies compare a row's workspace or organization with the
session variables ``headrace.workspace`` and ``headrace.organization``. The wanted
values live in context variables; before each statement the connection is brought
up to date if it differs. A rollback undoes ``set_config``, so what the connection
is known to hold is forgotten then. Connections outlive the request or job that they
were opened for, and are forgotten all that they were told before the next one (``kept.py``).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.db.backends.postgresql import base

from config.postgres.kept import Connection, kept

# "" sees nothing, "7" or "7,9" see those workspaces and their organizations, "*" sees all.
visible_workspaces: ContextVar[str] = ContextVar("visible_workspaces", default="")
# "" adds nothing, "3" sees the people, groups and workspaces of that organization.
visible_organizations: ContextVar[str] = ContextVar("visible_organizations", default="")

_TELL = "SELECT set_config('headrace.workspace', %s, false), set_config('headrace.organization', %s, false)"


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend plus the session variables for row-level security."""

    _told: tuple[str, str] | None = None
    # Set while a savepoint is rolled back: the transaction may be aborted and take no other statement.
    _rolling_back = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        connection: Connection = kept.take(self._place()) or super().get_new_connection(conn_params)
        return connection

    def _close(self) -> None:
        if self.connection is not None:
            kept.give(self._place(), self.connection)

    def _place(self) -> tuple[object, ...]:
        return tuple(self.settings_dict[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD"))

    def init_connection_state(self) -> None:
        self._told = None
        super().init_connection_state()
        self.execute_wrappers = [self._tell_scope, *(w for w in self.execute_wrappers if w != self._tell_scope)]

    def _tell_scope(self, execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        wanted = (visible_workspaces.get(), visible_organizations.get())
        if self._told != wanted and self.connection is not None and not self._rolling_back:
            with self.connection.cursor() as cursor:
                cursor.execute(_TELL, wanted)
            self._told = wanted
        return execute(sql, params, many, context)

    def _rollback(self) -> None:
        self._told = None
        super()._rollback()  # type: ignore[misc]  # Django's hook, which the stubs leave out

    def _savepoint_rollback(self, sid: str) -> None:
        self._rolling_back = True
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]  # the same
        finally:
            self._rolling_back = False
            self._told = None
