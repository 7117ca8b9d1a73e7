"""How a worker's job enters the workspace that its message names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections

from workspaces.scoping import workspace_scope


@contextmanager
def working_connection() -> Iterator[None]:
    """A database connection that works, also after the server was restarted; nothing of it is left behind."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


@contextmanager
def job_in(workspace_id: int) -> Iterator[None]:
    """A workspace's scope on a database connection that works, also after the server was restarted."""
    with working_connection(), workspace_scope(workspace_id):
        yield
