"""User groups of the organization: who is in them, and the role each holds in every workspace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import Invalid, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from workspaces import roster, services
from workspaces.access import group_for, may, role_for
from workspaces.forms import GroupForm
from workspaces.models import OrganizationMember, UserGroup, Workspace
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.roster import BuiltInGroup
from workspaces.routes import requires
from workspaces.scoping import organization_scope, workspace_scope

COLUMNS = (Column("Group", sort="name"), Column("People", sort="size", numeric=True), Column("Made", sort="created_at"))
PEOPLE = (Column("Person", sort="user__email"), Column("All groups"), Column("Last sign-in", sort="user__last_login"))
WORKSPACES = (Column("Workspace", sort="name"), Column("Role", fit=True), Column("Access to destinations"))


@requires(Permission.VIEW_ORGANIZATION)
def groups(request: WorkspaceRequest) -> HttpResponse:
    """All groups, the built-in ones first."""
    listing = Listing(request, columns=COLUMNS, order="name")
    sizes = roster.built_in_sizes()
    context = {
        "listing": listing,
        "page": listing.page(roster.groups(listing.query)),
        "built_in": [{"group": group, "size": sizes[group.key]} for group in roster.BUILT_IN_GROUPS],
        "organization": request.workspace.organization,
        "manages": _manages(request),
    }
    return render_page(request, "workspaces/groups.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
def new_group(request: WorkspaceRequest) -> HttpResponse:
    """A new group; it has no access until it is given a role."""
    form = GroupForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.create_group(
                actor=request.actor, organization=request.workspace.organization, **form.cleaned_data
            )
            return go_to(request, _page(request, made), f"{made.name} is ready. Add people, and give it a role.")
        except Invalid as error:
            show_errors(form, error)
    return render_page(request, "workspaces/new_group.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.VIEW_ORGANIZATION, write=Permission.MANAGE_ORGANIZATION)
def group(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """One group: its name, and who is in it."""
    found = group_for(group_id)
    form = GroupForm(request.POST or None, initial={"name": found.name, "description": found.description})
    if form.is_valid():
        try:
            services.update_group(actor=request.actor, group=found, **form.cleaned_data)
            return go_to(request, request.path, "Group saved.")
        except Invalid as error:
            show_errors(form, error)
    context = {**_frame(request, found, "people"), **_people_of(request, found), "form": form}
    return render_page(request, "workspaces/group.html", context, status=422 if form.errors else 200)


@requires(Permission.VIEW_ORGANIZATION)
def built_in_group(request: WorkspaceRequest, built_in: str) -> HttpResponse:
    """The organization's admins, or its viewers."""
    found = _built_in(built_in)
    context = {**_frame(request, found, "people"), **_people_of(request, found)}
    return render_page(request, "workspaces/group.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
def group_add(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """Choose people to add to a group."""
    return _add(request, group_for(group_id))


@requires(Permission.MANAGE_ORGANIZATION)
def built_in_group_add(request: WorkspaceRequest, built_in: str) -> HttpResponse:
    """Choose people to make admins or viewers of the organization."""
    return _add(request, _built_in(built_in))


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def group_remove(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """Take the ticked people out of a group."""
    return _remove(request, group_for(group_id))


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def built_in_group_remove(request: WorkspaceRequest, built_in: str) -> HttpResponse:
    """Take the ticked people out of the organization's admins or viewers."""
    return _remove(request, _built_in(built_in))


@requires(Permission.VIEW_ORGANIZATION, write=Permission.MANAGE_ORGANIZATION)
def group_roles(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """The role of the group in each workspace of the organization."""
    found = group_for(group_id)
    listing = Listing(request, columns=WORKSPACES, order="name", page_size=25)
    with organization_scope(found.organization_id):
        rows = Workspace.objects.filter(deleting_at=None)
        page = listing.page(rows.filter(name__icontains=listing.query) if listing.query else rows)
    holding, offered = roster.roles_in(found, page.rows)
    if request.method == "POST":
        number = _save_roles(request, found, page.rows, holding)
        noun = "workspace" if number == 1 else "workspaces"
        return go_to(request, request.get_full_path(), f"The role in {number} {noun} was changed.")
    allowed = roster.access_in(holding)
    lines = [
        {"workspace": w, "held": holding.get(w.pk), "roles": offered[w.pk], "access": allowed.get(w.pk)}
        for w in page.rows
    ]
    context = {**_frame(request, found, "roles"), "listing": listing, "page": page, "lines": lines}
    return render_page(request, "workspaces/group_roles.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def delete_group(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """Delete the group in the whole organization."""
    found = group_for(group_id)
    services.delete_group(actor=request.actor, group=found)
    return go_to(request, _groups(request), f"{found.name} was deleted.")


def _save_roles(request: WorkspaceRequest, group: UserGroup, shown: Iterable[Workspace], holding: Any) -> int:
    """Save the chosen roles of the shown workspaces; each is a change of that workspace."""
    number = 0
    for workspace in shown:
        chosen = request.POST.get(f"role-{workspace.pk}")
        if chosen is None or chosen == str(holding.get(workspace.pk, "")):
            continue
        with workspace_scope(workspace.pk):
            role = role_for(int(chosen)) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else None
            services.set_group_role(actor=request.actor, workspace=workspace, group=group, role=role)
        number += 1
    return number


def _add(request: WorkspaceRequest, group: UserGroup | BuiltInGroup) -> HttpResponse:
    if request.method == "POST":
        chosen = _ticked(request)
        _change(request, group, chosen, join=True)
        return go_to(request, _page(request, group), f"{_count(chosen)} added to {group.name}.")
    listing = Listing(request, columns=PEOPLE, order="user__email")
    context = {
        "breadcrumb": [*_crumbs(request), {"label": group.name, "url": _page(request, group)}],
        "group": group,
        "listing": listing,
        "page": listing.page(roster.people_outside(group, listing.query)),
        "back": _page(request, group),
    }
    return render_page(request, "workspaces/group_add.html", context)


def _remove(request: WorkspaceRequest, group: UserGroup | BuiltInGroup) -> HttpResponse:
    chosen = _ticked(request)
    _change(request, group, chosen, join=False)
    return go_to(request, _page(request, group), f"{_count(chosen)} taken out of {group.name}.")


def _change(
    request: WorkspaceRequest, group: UserGroup | BuiltInGroup, chosen: list[OrganizationMember], *, join: bool
) -> None:
    if isinstance(group, BuiltInGroup):
        for member in chosen:
            services.update_member(actor=request.actor, member=member, **{group.field: join})
    else:
        change = {"add": chosen} if join else {"remove": chosen}
        services.change_group_members(actor=request.actor, group=group, **change)


def _ticked(request: WorkspaceRequest) -> list[OrganizationMember]:
    ids = [int(value) for value in request.POST.getlist("selected") if value.isascii() and value.isdigit()]
    found = list(OrganizationMember.objects.filter(pk__in=ids).select_related("user"))
    if not found:
        raise Invalid("Tick at least one person.")
    return found


def _people_of(request: WorkspaceRequest, group: UserGroup | BuiltInGroup) -> dict[str, Any]:
    listing = Listing(request, columns=PEOPLE, order="user__email")
    return {"listing": listing, "page": listing.page(roster.people_in(group, listing.query))}


def _frame(request: WorkspaceRequest, group: UserGroup | BuiltInGroup, active: str) -> dict[str, Any]:
    """What the pages of one group share."""
    slug = request.workspace.slug
    tabs = [{"label": "People", "url": _page(request, group), "active": active == "people"}]
    loss = None
    if isinstance(group, UserGroup):
        url = reverse("workspaces:group_roles", args=[slug, group.pk])
        tabs.append({"label": "Workspaces and roles", "url": url, "active": active == "roles"})
        loss = roster.loss_of(group) if _manages(request) else None
    return {
        "breadcrumb": _crumbs(request),
        "group": group,
        "custom": len(tabs) > 1,
        "tabs": tabs if len(tabs) > 1 else [],
        "add_url": _url(request, group, "_add"),
        "remove_url": _url(request, group, "_remove"),
        "loss": loss,
        "manages": _manages(request),
    }


def _url(request: WorkspaceRequest, group: UserGroup | BuiltInGroup, ending: str = "") -> str:
    slug = request.workspace.slug
    if isinstance(group, BuiltInGroup):
        return reverse(f"workspaces:built_in_group{ending}", args=[slug, group.key])
    return reverse(f"workspaces:group{ending}", args=[slug, group.pk])


def _page(request: WorkspaceRequest, group: UserGroup | BuiltInGroup) -> str:
    return _url(request, group)


def _built_in(key: str) -> BuiltInGroup:
    found = roster.built_in_group(key)
    if found is None:
        raise NotFound("There is no such group here.")
    return found


def _count(chosen: list[OrganizationMember]) -> str:
    return f"{chosen[0].user.display_name} was" if len(chosen) == 1 else f"{len(chosen):,} people were"


def _manages(request: WorkspaceRequest) -> bool:
    return may(request.actor, Permission.MANAGE_ORGANIZATION)


def _crumbs(request: WorkspaceRequest) -> list[dict[str, str]]:
    return [{"label": "Groups", "url": _groups(request)}]


def _groups(request: WorkspaceRequest) -> str:
    return reverse("workspaces:groups", args=[request.workspace.slug])
