"""Roles of the workspace, and the editor of custom ones."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import Invalid, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from workspaces import grants, rights, services
from workspaces.access import grant_models, may, role_for
from workspaces.choices import RoleKind
from workspaces.forms import NewRoleForm, RoleForm
from workspaces.grants import Grant, GrantColumn
from workspaces.models import Role
from workspaces.pages import show_errors
from workspaces.permissions import GENERAL, Permission, noun_of
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

HELD = Filter.of("held", "Grants", [("yes", "With a grant of this role")], single=True)


@requires(Permission.MEMBER)
def roles(request: WorkspaceRequest) -> HttpResponse:
    """The pre-built roles and the custom ones, with who holds each."""
    context = {
        "roles": rights.roles_with_holders(),
        "manages": may(request.actor, Permission.MANAGE_WORKSPACE),
        "role_table": rights.role_table(),
    }
    return render_page(request, "workspaces/roles.html", context)


@requires(Permission.MANAGE_WORKSPACE)
def new_role(request: WorkspaceRequest) -> HttpResponse:
    """A custom role, empty or as a copy."""
    form = NewRoleForm(request.POST or None, initial={"copy_of": request.GET.get("copy")})
    if form.is_valid():
        try:
            made = services.create_role(actor=request.actor, workspace=request.workspace, **form.cleaned_data)
            return go_to(request, _page(request, made), f"{made.name} is ready. Choose what it allows.")
        except Invalid as error:
            show_errors(form, error)
    return render_page(request, "workspaces/new_role.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MEMBER, write=Permission.MANAGE_WORKSPACE)
def role(request: WorkspaceRequest, role_id: int) -> HttpResponse:
    """One role: what it allows in plain words, its general grants, and who holds it."""
    found = role_for(role_id)
    form = RoleForm(request.POST or None, initial={"name": found.name, "description": found.description})
    if form.is_valid():
        try:
            services.update_role(actor=request.actor, role=found, **form.cleaned_data)
            return go_to(request, request.path, "Role saved.")
        except Invalid as error:
            show_errors(form, error)
    held = grants.grants_of_role(found)
    context = {
        **_frame(request, found, ""),
        "form": form,
        "summary": grants.summary(held),
        "general": [{"permission": p, "held": Grant(p) in held} for p in GENERAL],
        "holders": rights.groups_holding(found),
    }
    return render_page(request, "workspaces/role.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def role_general(request: WorkspaceRequest, role_id: int) -> HttpResponse:
    """Save what the role allows in the workspace as a whole."""
    found = role_for(role_id)
    ticked = request.POST.getlist("grant")
    give = [Grant(p) for p in GENERAL if p.value in ticked]
    take = [Grant(p) for p in GENERAL if p.value not in ticked]
    services.change_role_grants(actor=request.actor, role=found, give=give, take=take)
    return go_to(request, _page(request, found), "Role saved.")


@requires(Permission.MEMBER, write=Permission.MANAGE_WORKSPACE)
def role_side(request: WorkspaceRequest, role_id: int, side: str) -> HttpResponse:
    """The matrix of a role's grants on sources, or on destinations."""
    found = role_for(role_id)
    held = _held(found, side)
    chosen = _columns(request, side, held)
    if request.method == "POST":
        give, take = _answers(request.POST, side, chosen, held)
        services.change_role_grants(actor=request.actor, role=found, give=give, take=take)
        return go_to(request, request.get_full_path(), "Role saved.")
    headings = [Column(noun_of(side).capitalize(), sort="name"), *(Column(c.label, fit=True) for c in chosen)]
    listing = Listing(request, columns=headings, filters=[HELD], order="name")
    page = listing.page(_matching(request, side, found))
    context = {
        **_frame(request, found, side),
        "side": side,
        "noun": noun_of(side),
        "listing": listing,
        "page": page,
        "columns": chosen,
        "everywhere": [_cell(c, held, None) for c in chosen],
        "rows": [{"object": row, "cells": [_cell(c, held, row.pk) for c in chosen]} for row in page.rows],
    }
    return render_page(request, "workspaces/role_side.html", context)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def role_side_all(request: WorkspaceRequest, role_id: int, side: str) -> HttpResponse:
    """Give or take one right on every object that the search leaves."""
    found = role_for(role_id)
    column = next((c for c in _columns(request, side, _held(found, side)) if c.key == request.POST.get("column")), None)
    if column is None:
        raise Invalid.field("column", "Choose a right.")
    ids = list(_matching(request, side, found).values_list("pk", flat=True))
    chosen = [Grant(permission, pk) for permission in column.permissions for pk in ids]
    gives = request.POST.get("do") == "give"
    services.change_role_grants(
        actor=request.actor, role=found, give=chosen if gives else (), take=() if gives else chosen
    )
    words = "given on" if gives else "taken away on"
    noun = noun_of(side) if len(ids) == 1 else f"{noun_of(side)}s"
    back = f"{reverse('workspaces:role_side', args=[request.workspace.slug, role_id, side])}?{request.GET.urlencode()}"
    return go_to(request, back.rstrip("?"), f"“{column.label}” was {words} {len(ids):,} {noun}.")


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def delete_role(request: WorkspaceRequest, role_id: int) -> HttpResponse:
    """Delete a custom role that nobody holds."""
    found = role_for(role_id)
    services.delete_role(actor=request.actor, role=found)
    return go_to(request, reverse("workspaces:roles", args=[request.workspace.slug]), f"{found.name} was deleted.")


def _held(role: Role, side: str) -> set[Grant]:
    if side not in grant_models():
        raise NotFound("There is no such kind of grant.")
    return grants.grants_of_role(role)


def _columns(request: WorkspaceRequest, side: str, held: set[Grant]) -> list[GrantColumn]:
    return grants.columns(side, held, together=not grants.asks_for_approval(request.workspace))


def _matching(request: WorkspaceRequest, side: str, role: Role) -> Any:
    only_held = request.GET.get("held") == "yes"
    return grants.objects_of(side, request.GET.get("q", "").strip(), of_role=role if only_held else None)


def _cell(column: GrantColumn, held: set[Grant], object_id: int | None) -> dict[str, Any]:
    """A box of the matrix; what holds everywhere shows on every object and is changed in the first row only."""
    everywhere = all(Grant(p) in held for p in column.permissions)
    return {
        "value": f"{column.key}:{object_id or 'all'}",
        "label": column.label,
        "held": everywhere or all(Grant(p, object_id) in held for p in column.permissions),
        "implied": everywhere and object_id is not None,
    }


def _answers(
    posted: QueryDict, side: str, columns: list[GrantColumn], held: set[Grant]
) -> tuple[list[Grant], list[Grant]]:
    """What the boxes of the shown rows ask for: to give, and to take."""
    shown = [int(value) for value in posted.getlist("row") if value.isascii() and value.isdigit()]
    ticked = set(posted.getlist("grant"))
    give: list[Grant] = []
    take: list[Grant] = []
    for column in columns:
        # Boxes of a right that holds everywhere are not sent: what is held on single objects stays.
        fixed = all(Grant(p) in held for p in column.permissions)
        for object_id in (None, *(() if fixed else shown)):
            wanted = f"{column.key}:{object_id or 'all'}" in ticked
            (give if wanted else take).extend(Grant(p, object_id) for p in column.permissions)
    return give, take


def _frame(request: WorkspaceRequest, role: Role, active: str) -> dict[str, Any]:
    """What the pages of one role share."""
    slug = request.workspace.slug
    tabs = [{"label": "Role", "url": _page(request, role), "active": not active}]
    for side in grant_models():
        url = reverse("workspaces:role_side", args=[slug, role.pk, side])
        tabs.append({"label": f"{noun_of(side).capitalize()}s", "url": url, "active": active == side})
    custom = role.kind == RoleKind.CUSTOM
    return {
        "role": role,
        "custom": custom,
        "tabs": tabs if custom else [],
        "editable": custom and may(request.actor, Permission.MANAGE_WORKSPACE),
        "manages": may(request.actor, Permission.MANAGE_WORKSPACE),
        "breadcrumb": [{"label": "Roles", "url": reverse("workspaces:roles", args=[slug])}],
    }


def _page(request: WorkspaceRequest, role: Role) -> str:
    return reverse("workspaces:role", args=[request.workspace.slug, role.pk])
