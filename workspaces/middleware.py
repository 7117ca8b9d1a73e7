"""Finds out which workspace a request is about, enters its scope, and holds routes to what they declare."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from config.errors import Denied, HeadraceError, NotFound
from config.timezones import timezone_names
from governance.audit.actors import END_LOOKING, Actor
from workspaces import areas, looking
from workspaces.access import remembered_grants, renamed_workspace_for, require, workspace_for
from workspaces.actors import for_api_key, person
from workspaces.authentication import key_in
from workspaces.denials import note_denial, note_refused_key
from workspaces.entry import Detour, check_network, detour, note_use
from workspaces.models import User, Workspace
from workspaces.pages import error_page
from workspaces.requests import WorkspaceRequest
from workspaces.routes import SAFE_METHODS, Audience, declaration_of
from workspaces.scoping import workspace_scope

SLUG = "workspace"
API_PREFIX = "/api/"
# Has tokens of its own, which name an organization instead of a workspace.
SCIM_PREFIX = "/api/scim/"
LAST_WORKSPACE = "workspace"


class WorkspaceMiddleware:
    """Sets ``request.workspace`` and ``request.actor``; everything after it runs inside the workspace's scope."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.workspace, request.actor, request.api_key = None, None, None  # type: ignore[attr-defined]
        if "%00" in request.META.get("QUERY_STRING", ""):
            # PostgreSQL holds no NUL, so nothing can be found by one.
            return error_page(request, HeadraceError("The address holds a character that cannot be searched for."))
        with remembered_grants(), _viewer_timezone(request):
            if request.path_info.startswith(SCIM_PREFIX):
                return self._outside(request)
            if request.path_info.startswith(API_PREFIX):
                return self._for_key(request)
            slug = _slug_of(request)
            return self._in_workspace(request, slug) if slug else self._outside(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Hold the route to its declaration."""
        declaration = declaration_of(view)
        if declaration is None:
            raise ImproperlyConfigured(f"{request.resolver_match} declares no permission (see workspaces/routes.py)")
        kwargs.pop(SLUG, None)
        if declaration.audience is Audience.PUBLIC:
            return None
        if request.path_info.startswith(API_PREFIX):
            return _refused_by_area(request, view)
        if not request.user.is_authenticated:
            return _to_login(request)
        if (refused := _refused_while_looking(request, view)) is not None:
            return error_page(request, refused)
        if declaration.audience is Audience.PERMITTED:
            if request.workspace is None:  # type: ignore[attr-defined]
                raise ImproperlyConfigured(f"{request.resolver_match} needs a workspace in its URL")
            try:
                require(request.actor, declaration.needed(request.method or "GET"))  # type: ignore[attr-defined]
            except HeadraceError as error:
                return error_page(request, error)
        return _refused_by_area(request, view)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Errors meant for people become pages."""
        return error_page(request, error) if isinstance(error, HeadraceError) else None

    def _in_workspace(self, request: HttpRequest, slug: str) -> HttpResponse:
        if not isinstance(request.user, User):
            return _to_login(request)
        try:
            workspace = workspace_for(request.user.pk, slug)
        except NotFound as error:
            renamed = renamed_workspace_for(request.user.pk, slug)
            return _to_new_slug(request, slug, renamed) if renamed else error_page(request, error)
        try:
            check_network(request, workspace.organization)
        except HeadraceError as error:
            return error_page(request, error)
        if found := detour(request, request.user, workspace.organization):
            return _take(request, found)
        note_use(request)
        _remember(request, workspace)
        with workspace_scope(workspace.pk):
            request.look = look = looking.current(request, workspace)  # type: ignore[attr-defined]
        return self._within(request, workspace, look.actor if look else person(request.user))

    def _for_key(self, request: HttpRequest) -> HttpResponse:
        key = key_in(request)
        if key is None:
            return self._outside(request)
        try:
            check_network(request, key.workspace.organization)
        except HeadraceError as error:
            note_refused_key(request, key, "its network is not allowed")
            return error_page(request, error)
        request.api_key = key  # type: ignore[attr-defined]
        return self._within(request, key.workspace, for_api_key(key))

    def _within(self, request: HttpRequest, workspace: Workspace, actor: Actor) -> HttpResponse:
        request.workspace, request.actor = workspace, actor  # type: ignore[attr-defined]
        with workspace_scope(workspace.pk), areas.in_workspace(workspace):
            response = self.get_response(request)
            note_denial(cast(WorkspaceRequest, request), response)
            return response

    def _outside(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API_PREFIX) and isinstance(request.user, User):
            request.actor = person(request.user)  # type: ignore[attr-defined]
        return self.get_response(request)


def _refused_while_looking(request: HttpRequest, view: Callable[..., Any]) -> HeadraceError | None:
    """Whoever looks as somebody else reads only."""
    look = getattr(request, "look", None)
    if look is None or request.method in SAFE_METHODS or getattr(view, "while_looking", False):
        return None
    return Denied(f"You are looking as {look.member.user.display_name}, so nothing can be changed.", hint=END_LOOKING)


def _refused_by_area(request: HttpRequest, view: Callable[..., Any]) -> HttpResponse | None:
    """What is switched off in the workspace answers so."""
    if request.workspace is None:  # type: ignore[attr-defined]
        return None
    try:
        areas.check_view(view, request.actor, request.method or "GET")  # type: ignore[attr-defined]
    except HeadraceError as error:
        return error_page(request, error)
    return None


def _slug_of(request: HttpRequest) -> str | None:
    """The workspace slug in the URL, if its route has one."""
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return None
    slug = match.kwargs.get(SLUG)
    return str(slug) if slug else None


def _to_login(request: HttpRequest) -> HttpResponse:
    """Partial updates cannot show a login page in place: they are told to go there."""
    response = redirect_to_login(request.get_full_path())
    if not request.headers.get("HX-Request"):
        return response
    here = urlsplit(request.headers.get("HX-Current-URL", ""))
    partial = HttpResponse(status=401)
    partial["HX-Redirect"] = redirect_to_login(here.path or reverse("home"))["Location"]
    return partial


def _take(request: HttpRequest, found: Detour) -> HttpResponse:
    """Send a person where they have to go first; partial updates cannot show that page in place."""
    if found.words:
        messages.warning(request, found.words)
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(found.url)
    partial = HttpResponse(status=401)
    partial["HX-Redirect"] = found.url
    return partial


def _to_new_slug(request: HttpRequest, old: str, workspace: Workspace) -> HttpResponse:
    path = request.get_full_path().replace(f"/{old}", f"/{workspace.slug}", 1)
    return HttpResponseRedirect(path, preserve_request=True)


def _remember(request: HttpRequest, workspace: Workspace) -> None:
    """Opening the product again leads back here."""
    if request.session.get(LAST_WORKSPACE) != workspace.slug:
        request.session[LAST_WORKSPACE] = workspace.slug


@contextmanager
def _viewer_timezone(request: HttpRequest) -> Iterator[None]:
    """Times are shown in the viewer's zone."""
    user = None if request.path_info.startswith(API_PREFIX) else request.user
    name = user.timezone if isinstance(user, User) else "UTC"
    zone = zoneinfo.ZoneInfo(name) if name in timezone_names() else zoneinfo.ZoneInfo("UTC")
    with timezone.override(zone):
        yield
