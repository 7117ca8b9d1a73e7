"""What the command palette finds of this app: connections by name, and types to add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.urls import reverse

from connectors import catalog, selectors
from connectors.access import CREATE, MODELS
from connectors.choices import Kind
from workspaces.access import may
from workspaces.palette import LIMIT, Hit
from workspaces.requests import WorkspaceRequest


def find_connections(request: WorkspaceRequest, words: str) -> Iterator[Hit]:
    """Sources and destinations whose name, slug or type matches; those changed last where nothing was typed."""
    for kind in Kind:
        rows = selectors.search(MODELS[kind].objects.filter(setup_done=True), words)
        for row in rows.order_by("-updated_at")[: LIMIT // 2]:
            entry = catalog.known_entry(kind, row.type)
            url = reverse(f"connectors:{kind.value}", args=[request.workspace.slug, row.pk])
            yield Hit(row.name, f"{kind.label}, {entry.name}", url)


def find_types(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Types this person may add, once something was typed."""
    if not words:
        return
    for kind in Kind:
        if not may(request.actor, CREATE[kind]):
            continue
        wanted = words.lower().removeprefix("add ").strip()
        for entry in catalog.entries(kind):
            if wanted in f"{entry.name} {kind.value}".lower():
                url = reverse(f"connectors:{kind.value}_connect", args=[request.workspace.slug, entry.key])
                yield Hit(f"Add {entry.name}", f"New {kind.value}", url)
