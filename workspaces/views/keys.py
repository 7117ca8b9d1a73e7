"""API keys of the workspace, and the service accounts of its organization."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from config.errors import Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from workspaces import selectors, services
from workspaces.access import api_key_for, may
from workspaces.forms import ApiKeyForm, ServiceAccountForm
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = (
    Column("Status", fit=True),
    Column("Name", sort="name"),
    Column("Key"),
    Column("May be used to"),
    Column("Acts as", sort="owner__name"),
    Column("Expires", sort="expires_at"),
    Column("Created", sort="created_at"),
    Column("Last used", sort="last_used_at"),
)
ACCOUNT_COLUMNS = (
    Column("Name"),
    Column("Groups"),
    Column("Working keys here", numeric=True),
    Column("Made"),
    Column("Actions", fit=True, hidden_label=True),
)
STATUS = Filter.of(
    "status", "Status", [("working", "Working"), ("expired", "Expired"), ("revoked", "Revoked")], single=True
)
SOON = timedelta(days=14)
MOST_AT_ONCE = 200


@requires(Permission.MANAGE_WORKSPACE)
def api_keys(request: WorkspaceRequest) -> HttpResponse:
    """All keys with their last use."""
    listing = Listing(request, columns=COLUMNS, filters=[STATUS], order="-created_at")
    page = listing.page(selectors.api_keys(listing.query, listing.chosen("status")))
    now = timezone.now()
    context = {"listing": listing, "page": page, "now": now, "soon": now + SOON}
    return render_page(request, "workspaces/api_keys.html", context)


@requires(Permission.MANAGE_WORKSPACE)
@never_cache
def new_api_key(request: WorkspaceRequest) -> HttpResponse:
    """Make a key; the answer to this one request is the only place that shows it."""
    form = ApiKeyForm(request.POST or None, initial={"owner": request.GET.get("owner")})
    if form.is_valid():
        try:
            made = services.create_api_key(
                actor=request.actor,
                workspace=request.workspace,
                name=form.cleaned_data["name"],
                owner=form.cleaned_data["owner"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(timezone.now()),
            )
            return render_page(request, "workspaces/api_key_made.html", {"made": made})
        except Invalid as error:
            show_errors(form, error)
    return render_page(request, "workspaces/new_api_key.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def revoke_api_keys(request: WorkspaceRequest) -> HttpResponse:
    """Ask once more, then stop all ticked keys for good."""
    ids = [int(value) for value in request.POST.getlist("selected") if value.isdecimal() and len(value) < 19]
    keys = [api_key_for(key_id) for key_id in ids[:MOST_AT_ONCE]]
    if keys and "confirmed" not in request.POST:
        return render_page(request, "workspaces/revoke_api_keys.html", {"keys": keys})
    for key in keys:
        services.revoke_api_key(actor=request.actor, key=key, now=timezone.now())
    url = reverse("workspaces:api_keys", args=[request.workspace.slug])
    return go_to(request, url, f"{len(keys)} key{'' if len(keys) == 1 else 's'} revoked.")


@requires(Permission.MANAGE_WORKSPACE)
def service_accounts(request: WorkspaceRequest) -> HttpResponse:
    """Programs that have access of their own."""
    context = {
        "accounts": selectors.service_accounts().order_by("user__name", "pk"),
        "may_change": may(request.actor, Permission.MANAGE_ORGANIZATION),
        "columns": ACCOUNT_COLUMNS,
    }
    return render_page(request, "workspaces/service_accounts.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
def new_service_account(request: WorkspaceRequest) -> HttpResponse:
    """A place for one more program."""
    form = ServiceAccountForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.create_service_account(
                actor=request.actor,
                organization=request.workspace.organization,
                name=form.cleaned_data["name"],
                groups=form.cleaned_data["groups"],
            )
            url = f"{reverse('workspaces:new_api_key', args=[request.workspace.slug])}?owner={made.user_id}"
            return go_to(request, url, f"{made.user.display_name} is there. Make a key for it now.")
        except Invalid as error:
            show_errors(form, error)
    return render_page(
        request, "workspaces/new_service_account.html", {"form": form}, status=422 if form.errors else 200
    )
