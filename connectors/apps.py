"""The connectors app: saved sources and destinations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from workspaces.palette import Hit
    from workspaces.requests import WorkspaceRequest


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        """Register this app's audit events and what the command palette finds."""
        from connectors import events  # noqa: F401 - registers on import
        from workspaces import palette

        palette.register("Sources and destinations", _connections)
        palette.register("Add", _types)


def _connections(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Imported on first use: starting Django loads no connector."""
    from connectors.palette import find_connections

    return find_connections(request, words)


def _types(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    from connectors.palette import find_types

    return find_types(request, words)
