"""The connectors app: saved sources and destinations."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from django.apps import AppConfig

from config import problems
from config.problems import Problem

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from connectors.models import Destination, Source
    from connectors.sdk.errors import ConfigError, ConnectorError
    from governance.environments.registry import Linkable
    from workspaces.requests import WorkspaceRequest
    from workspaces.search import Hit


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        """Register this app's audit events, what others find here, and what environments link."""
        from connectors import events, sealed, tabs  # noqa: F401 - events register on import
        from connectors.choices import Kind
        from connectors.finding import register_kinds
        from connectors.models import CloudCredential, Destination, Source, Tunnel
        from connectors.sdk.errors import ConfigError, ConnectorError
        from governance.environments.registry import register_linkable
        from workspaces import belongings, contents, palette

        problems.register(ConfigError, _wrong_setting)
        problems.register(ConnectorError, _refused)
        sealed.register("tunnels", Tunnel, "sealed_key")
        sealed.register("cloud credentials", CloudCredential, "sealed")
        register_kinds()
        palette.register("Add", _types)
        for side, model in ((Kind.SOURCE, Source), (Kind.DESTINATION, Destination)):
            register_linkable(side.value, model, partial(_linkable, side.value))
            tabs.register(side, tabs.Tab("linking", "Linking", f"connectors:{side.value}_linking"))
        contents.register("source", Source)
        contents.register("destination", Destination)
        belongings.register("sources", _sources_of)
        belongings.register("destinations", _destinations_of)


def _wrong_setting(error: ConfigError) -> Problem:
    return Problem(422, "Validation failed", error.code, error.hint, {error.field: error.message})


def _refused(error: ConnectorError) -> Problem:
    return Problem(422, error.message, error.code, error.hint)


def _sources_of(organization_id: int, user_id: int) -> QuerySet[Source]:
    from connectors.models import Source

    return Source.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def _destinations_of(organization_id: int, user_id: int) -> QuerySet[Destination]:
    from connectors.models import Destination

    return Destination.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def _types(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Imported on first use: starting Django loads no connector."""
    from connectors.palette import find_types

    return find_types(request, words)


def _linkable(side: str) -> Linkable:
    from connectors.choices import Kind
    from connectors.environments import LinkableConnection

    return LinkableConnection(Kind(side))
