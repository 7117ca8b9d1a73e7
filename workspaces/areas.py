"""Product areas: what a workspace can switch off as a whole. Apps register theirs at start-up.

An area that is off deletes nothing. Its pages and endpoints answer with one plain conflict, its places leave the
navigation and the search, and nothing of it starts. What belongs to several areas answers as long as one is on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Q

from config.errors import Conflict, NotFound
from governance.audit.actors import Actor
from workspaces.access import require
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.routes import SAFE_METHODS
from workspaces.scoping import current_workspace_id

CODE = "area_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One part of the product: ``words`` say what it is for.

    Roles grant who configures what in it; with ``admins_only`` there are no such grants, and workspace admins alone
    do. ``at_work`` says what of it runs or would by itself, and ``stop`` asks that to stop, in the transaction that
    switches the area off.
    """

    key: str
    name: str
    words: str
    admins_only: bool = False
    at_work: Callable[[], Sequence[str]] = tuple
    stop: Callable[[], None] = lambda: None


_areas: dict[str, Area] = {}
_pages: dict[str, set[str]] = defaultdict(set)
# The workspace that a request is about, so that nobody asks for it again.
_here: ContextVar[Workspace | None] = ContextVar("workspace_here", default=None)


def register(area: Area) -> None:
    """Add an area; every workspace has it until somebody switches it off."""
    if area.key in _areas:
        raise ValueError(f"the area {area.key!r} is registered twice")
    _areas[area.key] = area


def register_pages(area: str, *modules: str) -> None:
    """Let the views and endpoints of these modules and packages answer only where the area is on."""
    for module in modules:
        _pages[module].add(area)
    _areas_of.cache_clear()


def areas() -> Sequence[Area]:
    """All areas, in the order in which they are registered."""
    return tuple(_areas.values())


def area_named(key: str) -> Area:
    """The area of this key."""
    if key not in _areas:
        raise NotFound("There is no such area.")
    return _areas[key]


@contextmanager
def in_workspace(workspace: Workspace) -> Iterator[None]:
    """Inside, this workspace is known without asking the database."""
    token = _here.set(workspace)
    try:
        yield
    finally:
        _here.reset(token)


def off_here() -> frozenset[str]:
    """The areas that are off in the workspace of the current scope."""
    workspace, current = _here.get(), current_workspace_id()
    if workspace is not None and workspace.pk == current:
        return frozenset(workspace.areas_off)
    return frozenset(Workspace.objects.values_list("areas_off", flat=True).get(pk=current))


def any_on(keys: Collection[str]) -> bool:
    """Whether one of these areas is on here; what belongs to none always is."""
    return not keys or not off_here().issuperset(keys)


def require_on(*keys: str) -> None:
    """Raise :class:`Conflict` unless one of these areas is on here."""
    if any_on(keys):
        return
    names = " and ".join(area_named(key).name for key in keys)
    raise Conflict(
        f"{names} {'is' if len(keys) == 1 else 'are'} switched off in this workspace.",
        hint="Nothing was deleted. A workspace admin can switch it on under Settings, Product areas.",
        code=CODE,
    )


def off(key: str, to: str = "") -> Q:
    """The condition under which a row's workspace (``to`` is the path to the row) has the area switched off."""
    return Q(**{f"{to}workspace__areas_off__contains": [key]})


def check_view(view: Any, actor: Actor, method: str) -> None:
    """Raise where the view belongs to areas that are off, or changes what only workspace admins configure."""
    keys = areas_of(view)
    require_on(*keys)
    if method not in SAFE_METHODS and any(_areas[key].admins_only for key in keys):
        require(actor, Permission.MANAGE_WORKSPACE)


def areas_of(view: Any) -> tuple[str, ...]:
    """The areas that a resolved view belongs to, by the module of its class or function."""
    holder = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    return _areas_of(getattr(holder, "__module__", ""))


@cache
def _areas_of(module: str) -> tuple[str, ...]:
    held = [name for name in _pages if module == name or module.startswith(f"{name}.")]
    return tuple(sorted(_pages[max(held, key=len)])) if held else ()


def named(keys: Iterable[str]) -> list[str]:
    """The names of these areas, in the order in which they are registered; unknown ones are left out."""
    wanted = set(keys)
    return [area.name for area in areas() if area.key in wanted]
