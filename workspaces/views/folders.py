"""Changing the structure of folders; lists show it."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import HeadraceError
from config.htmx import go_to
from workspaces import bulk, folders, services
from workspaces.access import folder_for
from workspaces.models import Folder
from workspaces.organizing import LISTS
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def new_folder(request: WorkspaceRequest) -> HttpResponse:
    """A new folder, at the top or inside another one."""
    try:
        made = services.create_folder(
            actor=request.actor, workspace=request.workspace, name=request.POST.get("name", ""), parent=_parent(request)
        )
    except HeadraceError as error:
        return _back(request, _words(error), tone_bad=True)
    return _back(request, f"{made.name} is ready.", folder=made)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def change_folder(request: WorkspaceRequest, folder_id: int) -> HttpResponse:
    """Another name or place for a folder."""
    folder = folder_for(folder_id)
    try:
        services.update_folder(
            actor=request.actor, folder=folder, name=request.POST.get("name", ""), parent=_parent(request)
        )
    except HeadraceError as error:
        return _back(request, _words(error), tone_bad=True)
    return _back(request, "Folder saved.")


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def delete_folder(request: WorkspaceRequest, folder_id: int) -> HttpResponse:
    """Remove a folder and keep what it holds."""
    folder = folder_for(folder_id)
    services.delete_folder(actor=request.actor, folder=folder)
    return _back(request, f"{folder.name} was removed. What it held is in no folder now.", plain=True)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def delete_folder_and_contents(request: WorkspaceRequest, folder_id: int) -> HttpResponse:
    """Delete everything in a folder and below it; the folder goes only when nothing is left in it."""
    folder = folder_for(folder_id)
    if request.POST.get("confirm_name", "").strip() != folder.name:
        return _back(request, "Type the name of the folder to delete it.", tone_bad=True)
    outcomes = folders.delete_contents(request.actor, folders.Tree().within(folder.pk))
    if any(outcome.error for outcome in outcomes):
        return bulk.answer(request, outcomes, "deleted", _list(request))
    services.delete_folder(actor=request.actor, folder=folder, with_subfolders=True)
    return _back(request, f"{folder.name} and what it held were deleted.", plain=True)


def _parent(request: WorkspaceRequest) -> Folder | None:
    sent = request.POST.get("parent", "")
    return folder_for(int(sent)) if sent.isdecimal() and len(sent) < 19 else None


def _list(request: WorkspaceRequest) -> str:
    return reverse("syncs:models", args=[request.workspace.slug])


def _back(
    request: WorkspaceRequest, words: str, *, folder: Folder | None = None, tone_bad: bool = False, plain: bool = False
) -> HttpResponse:
    """Back to the list it was asked from, in the new folder where there is one; plain after a folder is gone."""
    sent = request.POST.get("back", "")
    path = sent.partition("?")[0]
    lists = [reverse(route, args=[request.workspace.slug]) for route, _ in LISTS]
    to = path if path in lists else _list(request)
    if folder is not None:
        to = f"{to}?folder={folder.pk}"
    elif not plain and path in lists:
        to = sent
    return go_to(request, to, words, tone="bad" if tone_bad else "good")


def _words(error: HeadraceError) -> str:
    fields = getattr(error, "fields", {})
    return f"{next(iter(fields.values()), error.message)} {error.hint}".strip()
