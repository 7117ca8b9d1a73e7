"""What every page's shell needs: the workspace, where one may go, and who is looking."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from config.postgres.compiled import Compiled
from workspaces.access import workspaces_of
from workspaces.models import User, Workspace
from workspaces.navigation import navigation
from workspaces.scoping import unscoped

# So many the switcher shows before one searches.
SHOWN = 8
# Every page asks it.
_SHOWN = Compiled(lambda person: workspaces_of(person)[:SHOWN], "person")


def shell(request: HttpRequest) -> dict[str, Any]:
    """The frame of every page; read only by templates that draw it."""
    workspace: Workspace | None = getattr(request, "workspace", None)
    if workspace is None:
        return {"workspace": None, "workspaces": (), "nav": (), "palette_url": ""}
    return {
        "workspace": workspace,
        "workspaces": lambda: _enterable(request),
        "nav": lambda: navigation(request),  # type: ignore[arg-type]  # inside a workspace it is one
        "palette_url": reverse("workspaces:palette", args=[workspace.slug]),
    }


def _enterable(request: HttpRequest) -> list[Workspace]:
    if not isinstance(request.user, User):
        return []
    with unscoped("the switcher lists a person's workspaces of all organizations"):
        return list(_SHOWN.rows(person=request.user.pk))
