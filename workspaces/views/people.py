"""People of the organization and their invitations."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from config.errors import Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from workspaces import roster, selectors, services
from workspaces.access import group_for, invitation_for, may, member_for
from workspaces.belongings import belongings_of
from workspaces.forms import InvitationForm
from workspaces.models import Invitation
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = (
    Column("Person", sort="user__email"),
    Column("Groups"),
    Column("Signs in with"),
    Column("Last sign-in", sort="user__last_login"),
    Column("Joined", sort="joined_at"),
)
KINDS = Filter.of(
    "who", "Who", [("admins", "Organization admins"), ("viewers", "Organization viewers"), ("none", "In no group")]
)
GROUP_COLUMNS = (
    Column("Group", sort="name"),
    Column("People", sort="size", numeric=True),
    Column("Membership", fit=True),
)
IN_GROUP = Filter.of("only", "Membership", [("own", "Their groups only")], single=True)
PENDING_COLUMNS = (
    Column("E-mail", sort="email"),
    Column("Groups"),
    Column("Invited", sort="created_at"),
    Column("Expires", sort="expires_at"),
    Column("Actions", fit=True, hidden_label=True),
)


@requires(Permission.VIEW_ORGANIZATION)
def people(request: WorkspaceRequest) -> HttpResponse:
    """Everyone in the organization."""
    listing = Listing(request, columns=COLUMNS, filters=[KINDS], order="user__email")
    page = listing.page(roster.with_ways_in(roster.people(listing.query, kinds=listing.chosen("who"))))
    context = {
        "listing": listing,
        "page": page,
        "lines": [{"member": member, "ways_in": roster.ways_in(member)} for member in page.rows],
        "tabs": _tabs(request, "people"),
        "organization": request.workspace.organization,
        "manages": may(request.actor, Permission.MANAGE_ORGANIZATION),
    }
    return render_page(request, "workspaces/people.html", context)


@requires(Permission.VIEW_ORGANIZATION)
def invitations(request: WorkspaceRequest) -> HttpResponse:
    """Who was invited and has not joined yet."""
    listing = Listing(request, columns=PENDING_COLUMNS, order="-created_at")
    rows = roster.pending_invitations()
    context = {
        "listing": listing,
        "page": listing.page(rows.filter(email__icontains=listing.query) if listing.query else rows),
        "tabs": _tabs(request, "invitations"),
        "organization": request.workspace.organization,
        "manages": may(request.actor, Permission.MANAGE_ORGANIZATION),
        "sends_mail": services.sends_mail(),
    }
    return render_page(request, "workspaces/invitations.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
@never_cache
def invite(request: WorkspaceRequest) -> HttpResponse:
    """Invite people by e-mail; the answer to this one request is the only place that shows their links."""
    form = InvitationForm(request.POST or None)
    organization = request.workspace.organization
    if form.is_valid():
        data = dict(form.cleaned_data)
        made: list[Invitation] = []
        for email in data.pop("emails"):
            try:
                made.append(services.invite_person(actor=request.actor, organization=organization, email=email, **data))
            except Invalid as error:
                form.add_error("emails", error.message)
        if made:
            return _invited(request, made, [str(error) for error in form.errors.get("emails", [])])
    context = {"form": form, "allowed": organization.allow_invitations}
    return render_page(request, "workspaces/invite.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@never_cache
def renew_invitation(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    """A new link that works for another 30 days; the old one stops."""
    renewed = services.renew_invitation(actor=request.actor, invitation=invitation_for(invitation_id))
    return _invited(request, [renewed], [])


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def withdraw(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    """Stop an invitation's link."""
    invitation = services.withdraw_invitation(actor=request.actor, invitation=invitation_for(invitation_id))
    to = reverse("workspaces:invitations", args=[request.workspace.slug])
    return go_to(request, to, f"The invitation for {invitation.email} no longer works.")


@requires(Permission.VIEW_ORGANIZATION)
def member(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """One person: their groups, and what hangs on them."""
    found = member_for(member_id)
    listing = Listing(request, columns=GROUP_COLUMNS, filters=[IN_GROUP], order="name", page_size=25)
    own = bool(listing.chosen("only"))
    context = {
        "breadcrumb": [{"label": "People", "url": _people(request)}],
        "member": found,
        "listing": listing,
        "page": listing.page(roster.groups_for(found, listing.query, only_own=own)),
        "built_in": [(group, getattr(found, group.field)) for group in roster.BUILT_IN_GROUPS],
        "belongings": belongings_of(found),
        "manages": may(request.actor, Permission.MANAGE_ORGANIZATION),
    }
    return render_page(request, "workspaces/member.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def member_group(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """Put a person into a group or take them out, from the person's page."""
    found = member_for(member_id)
    joins = request.POST.get("do") == "add"
    built_in = roster.built_in_group(request.POST.get("group", ""))
    if built_in is not None:
        services.update_member(actor=request.actor, member=found, **{built_in.field: joins})
        name = built_in.name
    else:
        number = request.POST.get("group", "")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise Invalid.field("group", "Choose a group.")
        group = group_for(int(number))
        change = {"add": [found]} if joins else {"remove": [found]}
        services.change_group_members(actor=request.actor, group=group, **change)
        name = group.name
    words = f"is in {name} now" if joins else f"is not in {name} any more"
    back = reverse("workspaces:member", args=[request.workspace.slug, member_id])
    return go_to(request, back, f"{found.user.display_name} {words}.")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def remove_member(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """End a person's place in the organization."""
    found = member_for(member_id)
    services.remove_person(actor=request.actor, member=found)
    gone_myself = found.user_id == request.user.pk
    return go_to(request, reverse("home") if gone_myself else _people(request), f"{found.user.email} was removed.")


def _invited(request: WorkspaceRequest, made: list[Invitation], refused: list[str]) -> HttpResponse:
    links = [{"email": invitation.email, "link": selectors.invitation_link(invitation)} for invitation in made]
    context = {
        "links": links,
        "all_links": "\n".join(f"{item['email']} {item['link']}" for item in links),
        "refused": refused,
        "sends_mail": services.sends_mail(),
        "expires_at": made[0].expires_at,
    }
    return render_page(request, "workspaces/invited.html", context)


def _tabs(request: WorkspaceRequest, active: str) -> list[dict[str, object]]:
    pending = roster.count_pending()
    return [
        {"label": "People", "url": _people(request), "active": active == "people"},
        {
            "label": "Invitations",
            "url": reverse("workspaces:invitations", args=[request.workspace.slug]),
            "active": active == "invitations",
            "count": pending or None,
        },
    ]


def _people(request: WorkspaceRequest) -> str:
    return reverse("workspaces:people", args=[request.workspace.slug])
