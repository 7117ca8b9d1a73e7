"""What search finds of the audit log, for those who may read it."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from governance import selectors
from workspaces.access import may
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.search import Finder, Hit, register

SHOWN = 101


def register_all() -> None:
    """Called once at start-up."""
    register(Finder("audit", "Audit log", "scroll-text", find_entries, Permission.MANAGE_WORKSPACE))


def find_entries(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """The newest entries whose thing or actor has the words in its name."""
    everything = may(request.actor, Permission.MANAGE_ORGANIZATION)
    wanted = selectors.AuditFilter(query=words)
    rows = selectors.audit_entries(request.workspace, wanted, whole_organization=everything)
    for entry in rows.order_by("-pk")[:SHOWN]:
        url = reverse("governance:audit_entry", args=[request.workspace.slug, entry.pk])
        detail = f"{entry.at:%-d %b %Y}, {entry.actor_label}"
        yield Hit(f"{selectors.sentence(entry).capitalize()}: {entry.resource_label}", detail, url)
