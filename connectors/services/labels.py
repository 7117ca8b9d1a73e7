"""Labels on sources and destinations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from connectors import access
from connectors.models import Connection, Destination, Source
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.labels import changed_labels

C = TypeVar("C", bound=Connection)


@service("source.labelled")
def label_source(*, actor: Actor, source: Source, add: Mapping[str, str], remove: Iterable[str] = ()) -> Source:
    """Put labels on a source, and take those with the keys of ``remove`` off."""
    return _label(Source, actor, source.pk, add, remove)


@service("destination.labelled")
def label_destination(
    *, actor: Actor, destination: Destination, add: Mapping[str, str], remove: Iterable[str] = ()
) -> Destination:
    """The same for a destination."""
    return _label(Destination, actor, destination.pk, add, remove)


def _label(model: type[C], actor: Actor, pk: int, add: Mapping[str, str], remove: Iterable[str]) -> C:
    row = access.connection_for(model, actor, pk, access.MANAGE[model.kind], lock=True)
    before = row.labels
    row.labels = changed_labels(before, add, remove)
    if row.labels == before:
        unchanged()
        return row
    row.save(update_fields=["labels", "updated_at"])
    record(row, before={"labels": before}, after={"labels": row.labels})
    return row
