"""What search finds of this app: pages and actions, folders, saved filters, people, groups and spaces."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from config.ui.search import matching
from workspaces.access import may, spaces_in_view
from workspaces.explaining import people_here
from workspaces.folders import Tree
from workspaces.models import OrganizationMember, Space, UserGroup
from workspaces.navigation import PLACES
from workspaces.palette import ACTIONS
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.search import Finder, Hit, register
from workspaces.selectors import saved_filters_of


def register_all() -> None:
    """Called once at start-up."""
    register(Finder("pages", "Pages and settings", "settings", find_pages))
    register(Finder("folders", "Folders", "folder", find_folders))
    register(Finder("saved", "Saved filters", "filter", find_saved_filters))
    register(Finder("people", "People", "user", find_people))
    register(Finder("groups", "Groups", "users", find_groups))
    register(Finder("spaces", "Spaces", "layers", find_spaces, Permission.MANAGE_WORKSPACE))


def find_pages(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Pages of the rail and what stands behind a button, as far as the person may open them."""
    places = [(place.label, place.group or "Page", place.route, place.needs) for place in PLACES]
    actions = [(label, "Action", route, needs) for label, route, needs in ACTIONS]
    for label, detail, route, needs in (*places, *actions):
        if all(word in label.lower() for word in words.lower().split()) and may(request.actor, needs):
            try:
                yield Hit(label, detail, reverse(route, args=[request.workspace.slug]))
            except NoReverseMatch:
                continue


def find_folders(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Folders by their place, such as "Marketing / Campaigns"."""
    url = reverse("syncs:models", args=[request.workspace.slug])
    for pk, path in sorted(Tree().paths().items(), key=lambda pair: (len(pair[1]), pair[1])):
        if all(word in path.lower() for word in words.lower().split()):
            yield Hit(path, "Folder", f"{url}?folder={pk}")


def find_saved_filters(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """The person's own filters and shared ones."""
    for saved in matching(saved_filters_of(request.actor), words, "name"):
        url = reverse("workspaces:saved_filters", args=[request.workspace.slug])
        yield Hit(saved.name, f"List of {saved.page}", url)


def find_people(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """People of the organization by name and address; for those who do not see it, the people of this workspace."""
    sees_all = may(request.actor, Permission.VIEW_ORGANIZATION)
    route = "workspaces:member" if sees_all else "workspaces:access_person"
    people = OrganizationMember.objects.select_related("user") if sees_all else people_here()
    for member in matching(people, words, "user__name", "user__email").order_by("user__email"):
        url = reverse(route, args=[request.workspace.slug, member.pk])
        yield Hit(member.user.display_name, member.user.email, url)


def find_groups(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """User groups by name and description."""
    slug, sees_all = request.workspace.slug, may(request.actor, Permission.VIEW_ORGANIZATION)
    here = reverse("workspaces:access", args=[slug])
    for group in matching(UserGroup.objects.all(), words, "name", "description"):
        url = (
            reverse("workspaces:group", args=[slug, group.pk]) if sees_all else f"{here}?{urlencode({'q': group.name})}"
        )
        yield Hit(group.name, group.description, url)


def find_spaces(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Spaces, for those who manage them."""
    rows: Iterable[Space] = spaces_in_view(request.actor).filter(Q(name__icontains=words))
    for space in rows:
        yield Hit(space.name, space.description, reverse("workspaces:space", args=[request.workspace.slug, space.pk]))
