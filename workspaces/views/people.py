"""People of the organization and their invitations."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from workspaces import selectors, services
from workspaces.access import invitation_for, may, member_for
from workspaces.forms import InvitationForm, MemberForm
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = (
    Column("Person", sort="user__email"),
    Column("Groups"),
    Column("Organization", sort="is_admin"),
    Column("Joined", sort="joined_at"),
    Column("Last sign-in", sort="user__last_login"),
)


@requires(Permission.MEMBER)
def people(request: WorkspaceRequest) -> HttpResponse:
    """Everyone in the organization, and who is invited."""
    listing = Listing(request, columns=COLUMNS, order="user__email")
    manages = may(request.actor, Permission.MANAGE_ORGANIZATION)
    context = {
        "listing": listing,
        "page": listing.page(selectors.members(listing.query)),
        "invitations": selectors.open_invitations() if manages else [],
        "manages": manages,
    }
    return render_page(request, "workspaces/people.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
def invite(request: WorkspaceRequest) -> HttpResponse:
    """Invite one person by e-mail; the link is then on the people page."""
    form = InvitationForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.invite_person(
                actor=request.actor, organization=request.workspace.organization, **form.cleaned_data
            )
            words = "was mailed their link" if services.sends_mail() else "can join with the link below"
            return go_to(request, _people(request), f"{made.email} {words}.")
        except Invalid as error:
            show_errors(form, error)
    return render_page(request, "workspaces/invite.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def withdraw(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    """Stop an invitation's link."""
    invitation = services.withdraw_invitation(actor=request.actor, invitation=invitation_for(invitation_id))
    return go_to(request, _people(request), f"The invitation for {invitation.email} no longer works.")


@requires(Permission.MEMBER, write=Permission.MANAGE_ORGANIZATION)
def member(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """One person: groups, keys in this workspace, and whether they administer the organization."""
    found = member_for(member_id)
    form = MemberForm(request.POST if request.method == "POST" else None, initial={"is_admin": found.is_admin})
    if form.is_valid():
        services.update_member(actor=request.actor, member=found, is_admin=form.cleaned_data["is_admin"])
        return go_to(request, request.path, "Saved.")
    context = {
        "breadcrumb": [{"label": "People", "url": _people(request)}],
        "member": found,
        "form": form,
        "groups": selectors.groups_of(found),
        "keys": selectors.working_keys_of(found.user_id),
        "manages": may(request.actor, Permission.MANAGE_ORGANIZATION),
    }
    return render_page(request, "workspaces/member.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def remove_member(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """End a person's place in the organization."""
    found = member_for(member_id)
    services.remove_person(actor=request.actor, member=found)
    gone_myself = found.user_id == request.user.pk
    return go_to(request, reverse("home") if gone_myself else _people(request), f"{found.user.email} was removed.")


def _people(request: WorkspaceRequest) -> str:
    return reverse("workspaces:people", args=[request.workspace.slug])
