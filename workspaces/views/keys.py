"""API keys of the workspace."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from config.errors import Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from workspaces import selectors, services
from workspaces.access import api_key_for
from workspaces.forms import ApiKeyForm
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = (
    Column("Status", fit=True),
    Column("Name", sort="name"),
    Column("Key"),
    Column("Owner", sort="owner__email"),
    Column("Created", sort="created_at"),
    Column("Last used", sort="last_used_at"),
    Column("Actions", fit=True, hidden_label=True),
)
STATUS = Filter.of("status", "Status", [("working", "Working"), ("revoked", "Revoked")], single=True)


@requires(Permission.MANAGE_WORKSPACE)
def api_keys(request: WorkspaceRequest) -> HttpResponse:
    """All keys with their last use."""
    listing = Listing(request, columns=COLUMNS, filters=[STATUS], order="-created_at")
    page = listing.page(selectors.api_keys(listing.query, listing.chosen("status")))
    return render_page(request, "workspaces/api_keys.html", {"listing": listing, "page": page})


@requires(Permission.MANAGE_WORKSPACE)
@never_cache
def new_api_key(request: WorkspaceRequest) -> HttpResponse:
    """Make a key; the answer to this one request is the only place that shows it."""
    form = ApiKeyForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.create_api_key(
                actor=request.actor, workspace=request.workspace, name=form.cleaned_data["name"]
            )
            return render_page(request, "workspaces/api_key_made.html", {"made": made})
        except Invalid as error:
            show_errors(form, error)
    return render_page(request, "workspaces/new_api_key.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def revoke_api_key(request: WorkspaceRequest, key_id: int) -> HttpResponse:
    """Stop a key for good."""
    key = services.revoke_api_key(actor=request.actor, key=api_key_for(key_id), now=timezone.now())
    return go_to(request, reverse("workspaces:api_keys", args=[request.workspace.slug]), f"{key.name} was revoked.")
