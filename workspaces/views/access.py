"""Who has access to this workspace, what each person can do and why, and who can do a thing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import Invalid, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from workspaces import explaining, looking, selectors, services
from workspaces.access import grant_models, group_for, may, member_for
from workspaces.explaining import ACTIONS, Action
from workspaces.forms import GroupRoleForm
from workspaces.grants import objects_of, targets
from workspaces.permissions import Permission, noun_of, permissions_of
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

GROUPS = (Column("Group", sort="name"), Column("People", sort="size", numeric=True), Column("Role here", fit=True))
PEOPLE = (Column("Person", sort="user__email"), Column("Let in by"), Column("Last sign-in", sort="user__last_login"))
WHO = (Column("Person", sort="user__email"), Column("Because of"))
HELD = Filter.of("held", "Access", [("yes", "With a role here"), ("no", "Without one")], single=True)
# Objects that a picker offers before one searches.
OFFERED = 200


@requires(Permission.MEMBER)
def access(request: WorkspaceRequest) -> HttpResponse:
    """The groups of the organization and the role each holds here."""
    listing = Listing(request, columns=GROUPS, filters=[HELD], order="name")
    rows = selectors.groups_with_roles(listing.query, held="".join(listing.chosen("held")))
    context = {
        "tabs": access_tabs(request, "groups"),
        "listing": listing,
        "page": listing.page(rows),
        "roles": list(selectors.roles()),
        "assigns": may(request.actor, Permission.MANAGE_WORKSPACE),
        "sees_groups": may(request.actor, Permission.VIEW_ORGANIZATION),
    }
    return render_page(request, "workspaces/access.html", context)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def group_role(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """Give the group a role in this workspace, or take it away."""
    found = group_for(group_id)
    form = GroupRoleForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("role", "Choose one of the workspace's roles.")
    role = form.cleaned_data["role"]
    services.set_group_role(actor=request.actor, workspace=request.workspace, group=found, role=role)
    words = f"is now {role.name.lower()} here" if role else "has no access here any more"
    return go_to(request, reverse("workspaces:access", args=[request.workspace.slug]), f"{found.name} {words}.")


@requires(Permission.MEMBER)
def access_people(request: WorkspaceRequest) -> HttpResponse:
    """Everybody who may open the workspace, and what lets them in."""
    listing = Listing(request, columns=PEOPLE, order="user__email")
    rows = explaining.people_here()
    context = {
        "tabs": access_tabs(request, "people"),
        "listing": listing,
        "page": listing.page(explaining.named_like(rows, listing.query)),
    }
    return render_page(request, "workspaces/access_people.html", context)


@requires(Permission.MEMBER)
def access_person(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """What a person can do here and why; and whether they can do one chosen thing."""
    found = member_for(member_id)
    holdings = explaining.holdings_of(found)
    if not holdings and not may(request.actor, Permission.VIEW_ORGANIZATION):
        raise NotFound("There is no such person here.")
    looks = may(request.actor, Permission.MANAGE_WORKSPACE) and bool(holdings) and found.user_id != request.user.pk
    context = {
        "breadcrumb": [{"label": "Access", "url": reverse("workspaces:access_people", args=[request.workspace.slug])}],
        "member": found,
        "holdings": holdings,
        "rights": explaining.rights_of(holdings),
        "may_look": looks and (not found.is_admin or may(request.actor, Permission.MANAGE_ORGANIZATION)),
        **_question(request, holdings),
    }
    return render_page(request, "workspaces/access_person.html", context)


@requires(Permission.MEMBER)
def access_who(request: WorkspaceRequest) -> HttpResponse:
    """Everybody who holds one right on one source or destination, and why."""
    side = request.GET.get("side", "source")
    if side not in grant_models():
        raise NotFound("There is no such kind of thing.")
    offered = permissions_of(side)
    permission = next((p for p in offered if p.value == request.GET.get("right")), offered[0])
    chosen = _object(side, request.GET.get("on", ""))
    listing = Listing(request, columns=WHO, order="user__email")
    context: dict[str, Any] = {
        "tabs": access_tabs(request, "who"),
        "side": side,
        "noun": noun_of(side),
        "sides": [{"key": key, "label": f"{noun_of(key).capitalize()}s"} for key in grant_models()],
        "right_options": [{"value": p.value, "label": p.words[:1].upper() + p.words[1:]} for p in offered],
        "right": permission,
        "objects": _offered(side, chosen),
        "object": chosen,
        "listing": listing,
    }
    if chosen is not None:
        rows = explaining.people_who(permission, chosen.pk)
        context["page"] = listing.page(explaining.named_like(rows, listing.query))
    return render_page(request, "workspaces/access_who.html", context)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def look(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """Look at the workspace as this person would see it."""
    looking.end(request)
    looking.start(request, request.workspace, member_for(member_id))
    return go_to(request, request.workspace.get_absolute_url())


@requires(Permission.MEMBER)
@require_POST
def end_look(request: WorkspaceRequest) -> HttpResponse:
    """Be oneself again."""
    looking.end(request)
    return go_to(request, reverse("workspaces:access_people", args=[request.workspace.slug]), "You are yourself again.")


end_look.while_looking = True  # type: ignore[attr-defined]  # the one thing to send while looking


def _question(request: HttpRequest, holdings: list[explaining.Holding]) -> dict[str, Any]:
    """The chosen action and objects, and the answer once all that it takes is chosen."""
    action = next((a for a in ACTIONS if a.key == request.GET.get("may")), None)
    chosen = {side: _object(side, request.GET.get(side, "")) for side in grant_models()}
    answer = None
    if action is not None and all(chosen[side] is not None for side in action.sides):
        ids = {f"{side}_id": chosen[side].pk for side in action.sides}
        answer = explaining.explain(holdings, action, **ids)
    return {
        "action_options": [{"value": a.key, "label": a.words[:1].upper() + a.words[1:]} for a in ACTIONS],
        "action": action,
        "answer": answer,
        "pickers": [
            {"side": s, "noun": noun_of(s), "options": _offered(s, chosen[s]), "chosen": chosen[s]}
            for s in _sides(action)
        ],
    }


def _sides(action: Action | None) -> list[str]:
    return [side for side in grant_models() if action is not None and side in action.sides]


def _object(side: str, text: str) -> Any:
    """The source or destination of this id, if there is one."""
    known = text.isascii() and text.isdigit() and len(text) < 19
    return targets(side).filter(pk=int(text)).first() if known else None


def _offered(side: str, chosen: Any) -> list[dict[str, Any]]:
    """What a picker lists: the first by name, and what is chosen."""
    rows = [{"value": str(row.pk), "label": row.name} for row in objects_of(side).order_by("name", "pk")[:OFFERED]]
    if chosen is not None and str(chosen.pk) not in {row["value"] for row in rows}:
        rows.insert(0, {"value": str(chosen.pk), "label": chosen.name})
    return rows


def access_tabs(request: WorkspaceRequest, active: str) -> list[dict[str, Any]]:
    """The sections of the pages about access."""
    slug = request.workspace.slug
    places = [("Groups", "access", "groups"), ("People", "access_people", "people"), ("Who can …", "access_who", "who")]
    if may(request.actor, Permission.MANAGE_WORKSPACE):
        places.append(("Requests to join", "membership_requests", "requests"))
    return [
        {"label": label, "url": reverse(f"workspaces:{route}", args=[slug]), "active": key == active}
        for label, route, key in places
    ]
