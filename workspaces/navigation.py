"""The left rail: which pages a person may open."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse

from workspaces import areas
from workspaces.access import may
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the rail: its route, and which permission shows it.

    ``badge`` is a route that answers with a count to show beside it, asked for once the page is there. It is hidden
    where all ``areas`` that it belongs to are off.
    """

    label: str
    icon: str
    route: str
    group: str = ""
    needs: Permission = Permission.MEMBER
    badge: str = ""
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place as the template draws it."""

    label: str
    url: str
    icon: str
    active: bool
    badge_url: str = ""


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Entries under one heading; the first group has none."""

    label: str
    items: tuple[NavItem, ...]


STUDIO = ("studio",)

PLACES = (
    Place("Overview", "layout-dashboard", "syncs:overview"),
    Place("Sources", "database", "connectors:sources"),
    Place("Models", "table-2", "syncs:models", areas=("reverse_etl",)),
    Place("Destinations", "send", "connectors:destinations"),
    Place("Syncs", "refresh-cw", "syncs:syncs", areas=("reverse_etl", "studio")),
    Place("Sequences", "list-checks", "syncs:sequences", areas=("reverse_etl",)),
    Place("Start", "list-checks", "audiences:start", "Customer Studio", areas=STUDIO),
    Place("Audiences", "users-round", "audiences:audiences", "Customer Studio", areas=STUDIO),
    Place("Priority lists", "arrow-down-up", "audiences:priority_lists", "Customer Studio", areas=STUDIO),
    Place("Templates", "wand-sparkles", "audiences:templates", "Customer Studio", areas=STUDIO),
    Place("Traits", "calculator", "audiences:traits", "Customer Studio", areas=STUDIO),
    Place("Value lists", "list", "audiences:lists", "Customer Studio", areas=STUDIO),
    Place("Profiles", "user", "audiences:profiles", "Customer Studio", areas=STUDIO),
    Place("Experiments", "flask-conical", "audiences:experiments", "Customer Studio", areas=STUDIO),
    Place("Schema", "network", "audiences:schema", "Customer Studio", areas=STUDIO),
    Place("Data governance", "shield-check", "audiences:governance", "Customer Studio", areas=STUDIO),
    Place("Requests", "check-check", "approvals:requests", "Governance", badge="approvals:badge"),
    Place("Deployments", "rocket", "environments:deployments", "Governance"),
    Place("Audit log", "scroll-text", "governance:audit_log", "Governance", Permission.MANAGE_WORKSPACE),
    Place("People look-up", "user-search", "privacy:people", "Governance", Permission.MANAGE_WORKSPACE),
    Place("What is held", "hard-drive", "privacy:holdings", "Governance", Permission.MANAGE_WORKSPACE),
    Place("General", "settings", "workspaces:general", "Settings"),
    Place("Access", "shield", "workspaces:access", "Settings"),
    Place("Roles", "shield-check", "workspaces:roles", "Settings"),
    Place("Product areas", "boxes", "workspaces:areas", "Settings", Permission.MANAGE_WORKSPACE),
    Place("Spaces", "layers", "workspaces:spaces", "Settings", Permission.MANAGE_WORKSPACE),
    Place("Notification channels", "bell", "notifications:channels", "Settings", Permission.MANAGE_WORKSPACE),
    Place("Webhooks", "webhook", "notifications:webhooks", "Settings", Permission.MANAGE_WORKSPACE),
    Place("SSH tunnels", "network", "connectors:tunnels", "Settings", Permission.MANAGE_WORKSPACE),
    Place("Cloud providers", "key-round", "connectors:cloud_credentials", "Settings", Permission.MANAGE_WORKSPACE),
    Place("Storage", "archive", "syncs:storage", "Settings", Permission.MANAGE_WORKSPACE),
    Place("Approvals", "badge-check", "approvals:policy", "Settings", Permission.MANAGE_WORKSPACE),
    Place(
        "Customer Studio", "users-round", "audiences:settings", "Settings", Permission.MANAGE_WORKSPACE, areas=STUDIO
    ),
    Place("Data retention", "timer", "privacy:retention", "Settings", Permission.MANAGE_WORKSPACE),
    Place("API keys", "key-round", "workspaces:api_keys", "Settings", Permission.MANAGE_WORKSPACE),
    Place("Organization", "building-2", "workspaces:organization", "Organization", Permission.VIEW_ORGANIZATION),
    Place("Workspaces", "layers", "workspaces:workspaces", "Organization", Permission.VIEW_ORGANIZATION),
    Place("People", "users", "workspaces:people", "Organization", Permission.VIEW_ORGANIZATION),
    Place("Groups", "users-round", "workspaces:groups", "Organization", Permission.VIEW_ORGANIZATION),
    Place("Sign-in and sessions", "lock", "workspaces:sign_in_rules", "Organization", Permission.MANAGE_ORGANIZATION),
    Place("Single sign-on", "shield-check", "workspaces:sso", "Organization", Permission.MANAGE_ORGANIZATION),
    Place(
        "Organization log",
        "scroll-text",
        "governance:organization_audit_log",
        "Organization",
        Permission.MANAGE_ORGANIZATION,
    ),
    Place("Audit streams", "workflow", "notifications:streams", "Organization", Permission.MANAGE_ORGANIZATION),
)

# Their addresses begin those of other places: they are marked only when they are open themselves.
HOMES = ("syncs:overview", "audiences:start")


def navigation(request: WorkspaceRequest) -> list[NavGroup]:
    """The entries this person may open, in groups; the deepest one that holds the page is marked."""
    slug = request.workspace.slug
    shown = [place for place in PLACES if may(request.actor, place.needs) and areas.any_on(place.areas)]
    places = [(place, url) for place in shown if (url := _url(place.route, slug))]
    homes = [_url(route, slug) for route in HOMES]
    held = (url for _, url in places if request.path == url or (url not in homes and request.path.startswith(url)))
    current = max(held, key=len, default="")
    return [
        NavGroup(label, tuple(_item(p, url, slug, active=url == current) for p, url in group))
        for label, group in groupby(places, key=lambda pair: pair[0].group)
    ]


def _item(place: Place, url: str, slug: str, *, active: bool) -> NavItem:
    return NavItem(place.label, url, place.icon, active, _url(place.badge, slug) if place.badge else "")


def _url(route: str, slug: str) -> str:
    """The address of a route; nothing where its app is not installed."""
    return _known(get_resolver(), route, slug)


@lru_cache(maxsize=4096)
def _known(routes: URLResolver, route: str, slug: str) -> str:
    """The same, remembered as long as there are these routes: every page asks for all places."""
    try:
        return reverse(route, args=[slug])
    except NoReverseMatch:
        return ""
