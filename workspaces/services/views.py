"""What people keep for themselves: saved filters, the view a list opens with, favourites."""

from __future__ import annotations

import re

from django.http import QueryDict

from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import require, require_person, saved_filter_for
from workspaces.models import DefaultView, Favourite, SavedFilter, Workspace
from workspaces.permissions import Permission
from workspaces.resources import thing_for
from workspaces.services.checks import required

FIELDS = ("name", "query", "shared")
MOST_FAVOURITES = 100
MOST_FILTERS = 200
LONGEST_QUERY = 2_000
# Parameters of an address that place the reader rather than narrow the list.
_PLACES = ("after", "before", "view")
_PAGE = re.compile(r"[a-z_]{1,40}")


@service("saved_filter.created")
def create_saved_filter(
    *, actor: Actor, workspace: Workspace, page: str, name: str, query: str, shared: bool = False
) -> SavedFilter:
    """Keep what a list is narrowed to; only admins share it with the workspace."""
    require(actor, Permission.MANAGE_WORKSPACE if shared else Permission.MEMBER)
    owner = require_person(actor)
    if not _PAGE.fullmatch(page):
        raise Invalid.field("page", "There is no such list.")
    if SavedFilter.objects.filter(owner_id=owner).count() >= MOST_FILTERS:
        raise Conflict(f"You have {MOST_FILTERS} saved filters.", hint="Delete those you no longer use.")
    saved = SavedFilter(workspace=workspace, owner_id=owner, page=page, shared=shared)
    saved.name, saved.query = _free_name(saved, name), clean_query(query)
    saved.save()
    record(saved, after={"page": page, **snapshot(saved, FIELDS)})
    return saved


@service("saved_filter.updated")
def update_saved_filter(
    *, actor: Actor, saved: SavedFilter, name: str | None = None, query: str | None = None, shared: bool | None = None
) -> SavedFilter:
    """Change a saved filter; what is left out stays."""
    saved = saved_filter_for(actor, saved.pk, change=True)
    if shared and not saved.shared:
        require(actor, Permission.MANAGE_WORKSPACE)
    before = snapshot(saved, FIELDS)
    if name is not None:
        saved.name = _free_name(saved, name)
    if query is not None:
        saved.query = clean_query(query)
    if shared is not None:
        saved.shared = shared
    changed = changes(before, snapshot(saved, FIELDS))
    if not changed:
        unchanged()
        return saved
    saved.save(update_fields=list(FIELDS))
    if not saved.shared:
        saved.defaults.exclude(user_id=saved.owner_id).delete()
    record(saved, before=changed.before, after=changed.after)
    return saved


@service("saved_filter.deleted")
def delete_saved_filter(*, actor: Actor, saved: SavedFilter) -> None:
    """Forget a saved filter; lists that opened with it open with everything."""
    saved = saved_filter_for(actor, saved.pk, change=True)
    record(saved, before={"page": saved.page, **snapshot(saved, FIELDS)})
    saved.delete()


@service("saved_filter.opened_first")
def set_default_view(*, actor: Actor, workspace: Workspace, page: str, saved: SavedFilter | None) -> None:
    """Let a list open with this saved filter for this person, or with everything again."""
    user_id = require_person(actor)
    held = DefaultView.objects.select_for_update().filter(user_id=user_id, page=page)
    current = held.first()
    if saved is not None:
        saved = saved_filter_for(actor, saved.pk)
        if saved.page != page:
            raise Invalid.field("saved", "That filter belongs to another list.")
    before, after = current.saved_filter_id if current else None, saved.pk if saved else None
    if before == after:
        unchanged()
        return
    held.delete()
    made = DefaultView(workspace=workspace, user_id=user_id, page=page, saved_filter=saved)
    if saved is not None:
        made.save()
    record(made, before={"filter": before}, after={"filter": after}, label=str(saved) if saved else f"all {page}")


@service("favourite.added")
def add_favourite(*, actor: Actor, workspace: Workspace, kind: str, object_id: int) -> None:
    """Keep a thing at hand for this person."""
    user_id = require_person(actor)
    row = thing_for(actor, kind, object_id)
    mine = Favourite.objects.filter(user_id=user_id)
    if mine.filter(kind=kind, object_id=object_id).exists():
        unchanged()
        return
    if mine.count() >= MOST_FAVOURITES:
        raise Conflict(f"You have {MOST_FAVOURITES} favourites.", hint="Remove one first.")
    made, fresh = Favourite.objects.get_or_create(workspace=workspace, user_id=user_id, kind=kind, object_id=object_id)
    if not fresh:
        unchanged()
        return
    record(made, after={"kind": kind, "id": object_id}, label=str(row))


@service("favourite.removed")
def remove_favourite(*, actor: Actor, kind: str, object_id: int) -> None:
    """Keep a thing at hand no longer."""
    user_id = require_person(actor)
    mine = Favourite.objects.filter(user_id=user_id, kind=kind, object_id=object_id).first()
    if mine is None:
        thing_for(actor, kind, object_id)  # what is not there is not found, rather than done
        unchanged()
        return
    record(mine, before={"kind": kind, "id": object_id})
    mine.delete()


def clean_query(query: str) -> str:
    """The parameters that narrow and sort a list, without where the reader was in it."""
    if len(query) > LONGEST_QUERY:
        raise Invalid.field("query", "This narrows the list by more than can be kept.")
    params = QueryDict(query.lstrip("?"), mutable=True)
    for name in [name for name in params if name in _PLACES or not _PAGE.fullmatch(name)]:
        del params[name]
    if not params:
        raise Invalid.field("query", "Nothing narrows the list yet.", hint="Choose a filter first, then save it.")
    return params.urlencode()


def _free_name(saved: SavedFilter, name: str) -> str:
    name = required("name", " ".join(name.split()))
    mine = SavedFilter.objects.filter(owner_id=saved.owner_id, page=saved.page, name=name).exclude(pk=saved.pk)
    if mine.exists():
        raise Invalid.field("name", f"You already have a filter “{name}” for this list.")
    return name
