"""The left rail: which pages a person may open."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.urls import NoReverseMatch, reverse

from workspaces.access import may
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the rail: its route, and which permission shows it."""

    label: str
    icon: str
    route: str
    group: str = ""
    needs: Permission = Permission.MEMBER


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place as the template draws it."""

    label: str
    url: str
    icon: str
    active: bool


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Entries under one heading; the first group has none."""

    label: str
    items: tuple[NavItem, ...]


PLACES = (
    Place("Overview", "layout-dashboard", "syncs:overview"),
    Place("Sources", "database", "connectors:sources"),
    Place("Models", "table-2", "syncs:models"),
    Place("Destinations", "send", "connectors:destinations"),
    Place("Syncs", "refresh-cw", "syncs:syncs"),
    Place("Sequences", "list-checks", "syncs:sequences"),
    Place("Audit log", "scroll-text", "governance:audit_log", "Governance", Permission.MANAGE_WORKSPACE),
    Place("General", "settings", "workspaces:general", "Settings"),
    Place("People", "users", "workspaces:people", "Settings"),
    Place("Groups and roles", "shield", "workspaces:groups", "Settings"),
    Place("Notification channels", "bell", "notifications:channels", "Settings", Permission.MANAGE_WORKSPACE),
    Place("API keys", "key-round", "workspaces:api_keys", "Settings", Permission.MANAGE_WORKSPACE),
)


def navigation(request: WorkspaceRequest) -> list[NavGroup]:
    """The entries this person may open, in groups; the deepest one that holds the page is marked."""
    slug = request.workspace.slug
    places = [(place, url) for place in PLACES if may(request.actor, place.needs) and (url := _url(place.route, slug))]
    current = max((url for _, url in places if request.path.startswith(url)), key=len, default="")
    return [
        NavGroup(label, tuple(NavItem(p.label, url, p.icon, url == current) for p, url in group))
        for label, group in groupby(places, key=lambda pair: pair[0].group)
    ]


def _url(route: str, slug: str) -> str:
    """The address of a route; nothing where its app is not installed."""
    try:
        return reverse(route, args=[slug])
    except NoReverseMatch:
        return ""
