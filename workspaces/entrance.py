"""Pages before a workspace is entered: home, invitations, the first organization, health."""

from __future__ import annotations

from datetime import datetime

from allauth.core import ratelimit
from allauth.usersessions.models import UserSession
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from config.errors import Invalid
from config.htmx import go_to, render_page
from workspaces import services
from workspaces.access import may_found_organization, open_invitation, workspaces_of
from workspaces.actors import person
from workspaces.adapters import INVITATION_KEY
from workspaces.forms import JoinForm, OrganizationForm
from workspaces.middleware import LAST_WORKSPACE
from workspaces.models import Invitation, User, Workspace
from workspaces.pages import show_errors
from workspaces.routes import public, signed_in
from workspaces.scoping import unscoped

ASKED_KEY = "asked_to_join"


@public("load balancers ask without signing in")
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process and its database answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@public("sends visitors to sign-up or sign-in and people to their workspace")
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The workspace this person was in last, or the first they may open."""
    if not isinstance(request.user, User):
        return redirect("account_signup" if may_found_organization() else "account_login")
    workspace = _last_workspace(request, request.user)
    return redirect(workspace) if workspace else redirect("welcome")


@signed_in("shows only what the person themselves can do next")
def welcome(request: HttpRequest) -> HttpResponse:
    """For people without a workspace: found an organization where that is open, or learn whom to ask."""
    user = request.user
    assert isinstance(user, User)
    if _last_workspace(request, user) is not None:
        return redirect("home")
    may_found = may_found_organization()
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and may_found and form.is_valid():
        try:
            workspace = services.create_organization(
                actor=person(user),
                owner=user,
                name=form.cleaned_data["organization"],
                workspace_name=form.cleaned_data["workspace"],
            )
            return go_to(request, workspace.get_absolute_url())
        except Invalid as error:
            show_errors(form, error)
    status = 422 if form.errors else 200
    return render_page(request, "workspaces/welcome.html", {"form": form, "may_found": may_found}, status=status)


@public("whoever has the link may see whom it invites")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Join as the person who is signed in, or sign up first."""
    found = open_invitation(token)
    if found is None:
        return render_page(request, "workspaces/invitation_closed.html", status=404)
    user = request.user
    if isinstance(user, User):
        return _join(request, user, token) if request.method == "POST" else _ask(request, found)
    request.session[INVITATION_KEY] = token
    if User.objects.with_email(found.email) is not None:
        return redirect_to_login(request.path)
    return redirect("account_signup")


@signed_in("lists and ends the person's own sessions only")
def sessions(request: HttpRequest) -> HttpResponse:
    """Where this person is signed in."""
    user = request.user
    assert isinstance(user, User)
    mine = UserSession.objects.purge_and_list(user)
    current = request.session.session_key
    if request.method == "POST":
        chosen = [
            row.pk for row in mine if row.session_key != current and request.POST.get("session") in ("", str(row.pk))
        ]
        ended = services.end_sessions(actor=person(user), user=user, sessions=chosen)
        return go_to(request, "my_sessions", f"{ended} {'session was' if ended == 1 else 'sessions were'} ended.")
    rows = sorted(mine, key=lambda row: (row.session_key != current, -row.last_seen_at.timestamp()))
    return render_page(request, "me/sessions.html", {"sessions": rows, "current": current})


@signed_in("answers the same whether or not there is such a workspace, and shows only what the person asked")
def ask_to_join(request: HttpRequest) -> HttpResponse:
    """Ask the admins of a workspace, named by its address, to be let in; or take that back.

    What was asked is remembered with the session: were it looked up, it would tell which workspaces there are.
    """
    user = request.user
    assert isinstance(user, User)
    asked: dict[str, str] = request.session.get(ASKED_KEY, {})
    form = JoinForm(request.POST or None, initial={"address": request.GET.get("workspace", "")[:63]})
    if request.method == "POST" and "give_up" in request.POST:
        slug = request.POST["give_up"]
        services.give_up_membership_request(actor=person(user), slug=slug)
        request.session[ASKED_KEY] = {name: at for name, at in asked.items() if name != slug}
        return go_to(request, "ask_to_join", f"You ask for “{slug}” no more.", tone="neutral")
    if form.is_valid():
        limited: HttpResponse | None = ratelimit.consume_or_429(request, action="ask_to_join", user=user)
        if limited is not None:
            return limited
        slug = form.cleaned_data["address"]
        services.ask_for_membership(actor=person(user), slug=slug, message=form.cleaned_data["message"])
        request.session[ASKED_KEY] = {**asked, slug: timezone.now().isoformat()}
        return go_to(request, "ask_to_join", f"If “{slug}” can be joined, its admins are asked now.")
    lines = [(slug, datetime.fromisoformat(at)) for slug, at in asked.items()]
    context = {"form": form, "asked": sorted(lines, key=lambda line: line[1], reverse=True)}
    return render_page(request, "workspaces/ask_to_join.html", context, status=422 if form.errors else 200)


def _ask(request: HttpRequest, found: Invitation) -> HttpResponse:
    return render_page(request, "workspaces/invitation.html", {"invitation": found})


def _join(request: HttpRequest, user: User, token: str) -> HttpResponse:
    member = services.accept_invitation(actor=person(user), token=token)
    request.session.pop(INVITATION_KEY, None)
    return go_to(request, "home", f"You joined {member.organization.name}.")


def _last_workspace(request: HttpRequest, user: User) -> Workspace | None:
    with unscoped("a person's own workspaces, before one is entered"):
        mine = workspaces_of(user.pk)
        return mine.filter(slug=request.session.get(LAST_WORKSPACE, "")).first() or mine.first()
