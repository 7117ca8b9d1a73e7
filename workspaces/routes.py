"""Every route declares what it takes to use it; a route that does not is refused.

    @requires(Permission.MEMBER)                                     # to read and to write
    @requires(Permission.MEMBER, write=Permission.CREATE_SOURCE)     # GET needs the first, other methods the second
    @requires(Permission.MEMBER, write=(Permission.APPROVE_FROM_SOURCE, Permission.APPROVE_TO_DESTINATION))
    @signed_in("shows only the person's own profile")
    @public("the load balancer asks without signing in")

works on function views and on view classes. Several permissions mean: all of
them within one group. For ``source.*`` and ``destination.*`` the declaration is
the first gate ("on at least one"); the service checks the object itself. REST
views declare ``permission = {"GET": Permission.X, …}`` instead, in the same terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from workspaces.permissions import Permission

V = TypeVar("V")
Needs = Permission | tuple[Permission, ...]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ATTRIBUTE = "route_declaration"


class Audience(StrEnum):
    """Whom a route lets in."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    PERMITTED = "permitted"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a route asks for: permissions in its workspace, a signed-in person, or nothing (with the reason)."""

    audience: Audience
    read: tuple[Permission, ...] = ()
    write: tuple[Permission, ...] = ()
    reason: str = ""

    def needed(self, method: str) -> tuple[Permission, ...]:
        """The permissions for one HTTP method."""
        return self.read if method.upper() in SAFE_METHODS else self.write


def requires(read: Needs, *, write: Needs | None = None) -> Callable[[V], V]:
    """The route works in a workspace and needs these permissions there."""
    reading = _as_tuple(read)
    return _declare(Declaration(Audience.PERMITTED, reading, _as_tuple(write) if write else reading))


def signed_in(reason: str) -> Callable[[V], V]:
    """Anyone with an account may use the route."""
    return _declare(Declaration(Audience.SIGNED_IN, reason=_said(reason)))


def public(reason: str) -> Callable[[V], V]:
    """Everyone may use the route, without signing in."""
    return _declare(Declaration(Audience.PUBLIC, reason=_said(reason)))


# Views of libraries, by the module they live in.
EXTERNAL: Mapping[str, Declaration] = {
    "config.operating.console": Declaration(Audience.SIGNED_IN, reason="the console itself admits operators only"),
    "django.contrib.admin.": Declaration(Audience.SIGNED_IN, reason="the console itself admits operators only"),
    "allauth.": Declaration(Audience.PUBLIC, reason="account pages decide themselves who may see them"),
    "django.views.static": Declaration(Audience.PUBLIC, reason="built assets"),
    "django.contrib.staticfiles.": Declaration(Audience.PUBLIC, reason="built assets"),
    "django.views.i18n": Declaration(Audience.PUBLIC, reason="language files"),
}


def declaration_of(view: Any) -> Declaration | None:
    """What a resolved view declares, or nothing."""
    holders = (view, getattr(view, "view_class", None), getattr(view, "cls", None))
    for holder in holders:
        if declaration := getattr(holder, ATTRIBUTE, None):
            return declaration  # type: ignore[no-any-return]
    rest = getattr(getattr(view, "cls", None), "permission", None)
    if isinstance(rest, Mapping) and rest:
        return _from_rest(rest)
    module = getattr(view, "__module__", "") or ""
    return next((d for prefix, d in EXTERNAL.items() if module.startswith(prefix)), None)


def _from_rest(permission: Mapping[str, Needs]) -> Declaration:
    read = permission.get("GET") or next(iter(permission.values()))
    write = next((needs for method, needs in permission.items() if method not in SAFE_METHODS), read)
    return Declaration(Audience.PERMITTED, _as_tuple(read), _as_tuple(write))


def _declare(declaration: Declaration) -> Callable[[V], V]:
    def mark(view: V) -> V:
        setattr(view, ATTRIBUTE, declaration)
        return view

    return mark


def _as_tuple(needs: Needs) -> tuple[Permission, ...]:
    return needs if isinstance(needs, tuple) else (needs,)


def _said(reason: str) -> str:
    if not reason:
        raise ValueError("say why this route is open")
    return reason
