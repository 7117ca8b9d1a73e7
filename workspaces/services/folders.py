"""The folders of a workspace: only its admins change their structure; what is in them is moved by each app."""

from __future__ import annotations

from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import folder_for, require
from workspaces.folders import Tree
from workspaces.models import Folder, Workspace
from workspaces.permissions import Permission
from workspaces.services.checks import lock, required

FIELDS = ("name", "parent")
# Far more than anybody reads; what bounds the pages that show all of them.
MOST_FOLDERS = 5_000


@service("folder.created")
def create_folder(*, actor: Actor, workspace: Workspace, name: str, parent: Folder | None = None) -> Folder:
    """A new, empty folder at the top or inside another one."""
    require(actor, Permission.MANAGE_WORKSPACE)
    _lock(workspace.pk)
    if Folder.objects.count() >= MOST_FOLDERS:
        raise Conflict(f"A workspace has at most {MOST_FOLDERS:,} folders.", hint="Remove those that are empty.")
    parent = folder_for(parent.pk) if parent else None
    folder = Folder(workspace=workspace, parent=parent)
    folder.name = _free_name(folder, required("name", " ".join(name.split())))
    folder.save()
    record(folder, after=snapshot(folder, FIELDS))
    return folder


@service("folder.updated")
def rename_folder(*, actor: Actor, folder: Folder, name: str) -> Folder:
    """Give a folder another name."""
    return _change(actor, folder, name=name, parent=folder.parent_id)


@service("folder.updated")
def move_folder(*, actor: Actor, folder: Folder, parent: Folder | None) -> Folder:
    """Put a folder with all it holds into another one, or at the top."""
    return _change(actor, folder, name=None, parent=parent.pk if parent else None)


@service("folder.updated")
def update_folder(*, actor: Actor, folder: Folder, name: str, parent: Folder | None) -> Folder:
    """Give a folder another name and place at once."""
    return _change(actor, folder, name=name, parent=parent.pk if parent else None)


@service("folder.deleted")
def delete_folder(*, actor: Actor, folder: Folder, with_subfolders: bool = False) -> None:
    """Remove a folder. What it held is unfiled; folders in it move up, or go too with ``with_subfolders``."""
    require(actor, Permission.MANAGE_WORKSPACE)
    _lock(folder.workspace_id)
    folder = Folder.objects.select_for_update(no_key=False).get(pk=folder_for(folder.pk).pk)
    tree = Tree()
    before = {**snapshot(folder, FIELDS), "place": tree.paths()[folder.pk]}
    below = list(tree.nodes[folder.pk].walk())[1:]
    if with_subfolders:
        before["subfolders"] = [node.folder.name for node in below]
    record(folder, before=before)
    if with_subfolders:
        for node in reversed(below):
            node.folder.delete()
    else:
        for child in folder.children.all():
            child.parent_id = folder.parent_id
            child.name = _next_free_name(child)
            child.save(update_fields=["parent", "name"])
    folder.delete()


def _change(actor: Actor, folder: Folder, *, name: str | None, parent: int | None) -> Folder:
    require(actor, Permission.MANAGE_WORKSPACE)
    _lock(folder.workspace_id)
    folder = Folder.objects.select_for_update(no_key=True).get(pk=folder_for(folder.pk).pk)
    before = snapshot(folder, FIELDS)
    if parent is not None and folder_for(parent).pk in Tree().within(folder.pk):
        raise Invalid.field("parent", "A folder cannot be inside itself.", hint="Choose a folder outside of it.")
    folder.parent_id = parent
    folder.name = _free_name(folder, required("name", " ".join(name.split())) if name is not None else folder.name)
    changed = changes(before, snapshot(folder, FIELDS))
    if not changed:
        unchanged()
        return folder
    folder.save(update_fields=list(FIELDS))
    record(folder, before=changed.before, after=changed.after)
    return folder


def _lock(workspace_id: int) -> None:
    """One change of the structure at a time: two moves at once could make a circle."""
    lock(f"folders {workspace_id}")


def _siblings(folder: Folder) -> set[str]:
    rows = Folder.objects.filter(parent_id=folder.parent_id).exclude(pk=folder.pk)
    return set(rows.values_list("name", flat=True))


def _free_name(folder: Folder, name: str) -> str:
    if name in _siblings(folder):
        raise Invalid.field("name", f"There is already a folder “{name}” here.")
    return name


def _next_free_name(folder: Folder) -> str:
    """The name, with a number behind it where the folder's new neighbours have one like it."""
    taken, name, number = _siblings(folder), folder.name, 1
    while name in taken:
        number += 1
        name = f"{folder.name[:110]} {number}"
    return name
