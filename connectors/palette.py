"""What the command palette finds of this app beside its connections: types to add."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from connectors import catalog
from connectors.access import CREATE
from connectors.choices import Kind
from workspaces.access import may
from workspaces.requests import WorkspaceRequest
from workspaces.search import Hit


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
