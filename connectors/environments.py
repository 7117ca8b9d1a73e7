"""Sources and destinations as environments see them: linked by people, never copied."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.db.models import QuerySet

from connectors import access, catalog, services
from connectors.choices import Kind
from connectors.models import Connection
from governance.audit.actors import Actor
from governance.environments.registry import Thing

# The services that link and unlink one side.
DOORS: dict[Kind, tuple[Callable[..., Any], Callable[..., Any]]] = {
    Kind.SOURCE: (services.link_source, services.unlink_source),
    Kind.DESTINATION: (services.link_destination, services.unlink_destination),
}


class LinkableConnection:
    """One side, for ``governance.environments``."""

    def __init__(self, side: Kind) -> None:
        self.side = side
        self.kind = side.value
        self.model: type[Connection] = access.MODELS[side]
        self.permission = access.CREATE[side]

    def thing(self, actor: Actor, pk: int) -> Thing | None:
        """The finished connection with this id."""
        found = self._ready().filter(pk=pk).first()
        return self._thing(found) if found else None

    def things(self, type: str, workspace_ids: Collection[int]) -> list[Thing]:
        """The finished connections of a type in these workspaces, by name."""
        rows = self._ready().filter(type=type, workspace_id__in=workspace_ids)
        return [self._thing(row) for row in rows.order_by("name", "pk")]

    def join(self, *, actor: Actor, pk: int, link_id: int | None) -> int:
        """Put a connection into a link."""
        row = access.connection_for(self.model, actor, pk)
        return int(DOORS[self.side][0](actor=actor, link_id=link_id, **{self.kind: row}))

    def leave(self, *, actor: Actor, pk: int) -> None:
        """Take a connection out of its link."""
        row = access.connection_for(self.model, actor, pk)
        DOORS[self.side][1](actor=actor, **{self.kind: row})

    def _ready(self) -> QuerySet[Connection]:
        return self.model.objects.filter(setup_done=True).select_related("workspace")

    def _thing(self, row: Connection) -> Thing:
        return Thing(
            kind=self.kind,
            pk=row.pk,
            name=row.name,
            url=row.get_absolute_url(),
            workspace_id=row.workspace_id,
            type=row.type,
            type_name=catalog.known_entry(self.side, row.type).name,
        )
