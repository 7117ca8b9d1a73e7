"""What all views of this app share: the request's workspace and actor, addresses, breadcrumbs."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.views import View

from config.ui.listing import Column, Listing
from governance.audit.actors import Actor
from governance.selectors import activity_of, sentence
from syncs.models import Sync
from workspaces.requests import WorkspaceRequest
from workspaces.scoping import TenantModel

ACTIVITY_HEADINGS = [Column("When", fit=True), Column("Who"), Column("What")]


class PageView(View):
    """A view inside a workspace."""

    request: HttpRequest

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.here.actor

    def url(self, name: str, *args: Any) -> str:
        """The address of one of this app's routes in this workspace."""
        return reverse(f"syncs:{name}", args=[self.here.workspace.slug, *args])

    def crumb(self, label: str, route: str, *args: Any) -> dict[str, str]:
        """One step of the way back."""
        return {"label": label, "url": self.url(route, *args)}


def activity_context(request: HttpRequest, resource_type: str, row: TenantModel) -> dict[str, Any]:
    """What ``governance/parts/activity.html`` shows for one thing."""
    listing = Listing(request, columns=ACTIVITY_HEADINGS)
    page = listing.page(activity_of(resource_type, row))
    entries = [{"entry": entry, "sentence": sentence(entry)} for entry in page.rows]
    return {"listing": listing, "page": page, "entries": entries}


def sync_pill(sync: Sync) -> str:
    """The key under which ``status_pill`` knows how a sync is doing."""
    return pill_key(sync.words.sync_page) if sync.published else "draft"


def pill_key(wording: str) -> str:
    """The key under which ``status_pill`` knows a wording of the status table."""
    return wording.lower().replace(" ", "_")
