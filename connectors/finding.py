"""Sources and destinations as search, favourites and the palette know them. Loads no connector."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Q, QuerySet

from connectors.choices import Kind
from connectors.models import Connection, Destination, Source
from governance.audit.actors import Actor
from workspaces import resources


def register_kinds() -> None:
    """Sources and destinations are found by name, slug and the name of their type."""
    for kind in Kind:
        resources.register(
            resources.Kind(
                name=kind.value,
                plural=f"{kind.label}s",
                icon="database" if kind is Kind.SOURCE else "send",
                route=f"connectors:{kind.value}",
                rows=partial(_finished, kind),
                detail=partial(_type_name, kind),
                inside=partial(_of_type, kind),
            )
        )


def _finished(kind: Kind, actor: Actor) -> QuerySet[Any]:
    model: Any = Source if kind is Kind.SOURCE else Destination
    rows: QuerySet[Any] = model.objects.filter(setup_done=True)
    return rows


def _type_name(kind: Kind, row: Connection) -> str:
    from connectors import catalog  # on first use

    return catalog.known_entry(kind, row.type).name


def _of_type(kind: Kind, word: str) -> Q:
    from connectors import catalog  # on first use

    types = [entry.key for entry in catalog.entries(kind) if word.lower() in entry.name.lower()]
    return Q(type__in=types)
