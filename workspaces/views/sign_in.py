"""How the organization's people sign in: rules, identity provider, domains, group mappings."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from config.errors import Conflict, HeadraceError, Invalid
from config.htmx import go_to, render_page
from workspaces import access, services
from workspaces.entry import client_address
from workspaces.models import IdentityProvider
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires
from workspaces.sign_in_forms import DomainForm, MappingForm, OidcForm, RulesForm, SamlForm
from workspaces.sso import domains, oidc, saml, selectors
from workspaces.sso.access import email_domain_for, group_mapping_for, own_provider, own_scim_token
from workspaces.sso.diagnosis import EXPLANATIONS

View = Callable[..., HttpResponse]


def confirmed(view: View) -> View:
    """The person proved who they are a short while ago; else they do, and come back to the page (not to its POST)."""

    @wraps(view)
    def checked(request: WorkspaceRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_reauthentication_required(request, app="allauth.account"):
            return view(request, *args, **kwargs)
        back = request.path if request.method == "GET" else reverse("workspaces:sso", args=[request.workspace.slug])
        return go_to(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")

    return checked


@requires(Permission.MANAGE_ORGANIZATION)
@confirmed
def sign_in_rules(request: WorkspaceRequest) -> HttpResponse:
    """What is asked of everybody who enters a workspace of the organization."""
    organization = request.workspace.organization
    current = selectors.sign_in_rules(organization)
    address = client_address(request)
    form = RulesForm(request.POST or None, initial=RulesForm.values(current))
    if form.is_valid():
        try:
            services.set_sign_in_rules(
                actor=request.actor, organization=organization, rules=form.rules(current), address=address
            )
            return go_to(request, request.path, "Saved. It holds from the next click of everybody on.")
        except Invalid as error:
            show_errors(form, error)
    context = {"form": form, "address": address, "without": selectors.people_without_second_factor()}
    return render_page(request, "workspaces/sign_in_rules.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_ORGANIZATION)
def sso(request: WorkspaceRequest) -> HttpResponse:
    """The identity provider: its state, its certificates, domains, mappings, and what came of sign-ins."""
    provider = selectors.identity_provider()
    context: dict[str, Any] = {"provider": provider, "tested": request.GET.get("tested") == "1"}
    if provider is not None:
        now = timezone.now()
        context |= {
            "own_accounts": selectors.people_with_own_accounts(),
            "rules": selectors.sign_in_rules(request.workspace.organization),
            "login_url": saml.login_url(provider),
            "acs_url": saml.acs_url(provider),
            "entity_id": saml.entity_id(provider),
            "slo_url": saml.slo_url(provider),
            "redirect_uri": oidc.redirect_uri(provider),
            "certificates": [(c, c.days_left(now)) for c in map(saml.certificate, provider.certificates)],
            "attempts": [(a, EXPLANATIONS.get(a.failure)) for a in selectors.sso_attempts()],
            "domains": selectors.email_domains(),
            "domain_form": DomainForm(),
            "mappings": selectors.group_mappings(),
            "mapping_form": MappingForm(),
            "record_prefix": services.RECORD_PREFIX,
            "scim_url": f"{settings.BASE_URL}/api/scim/v2",
            "scim_token": selectors.scim_token(),
            "pushed": selectors.pushed(),
        }
    return render_page(request, "workspaces/sso.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
@confirmed
def sso_edit(request: WorkspaceRequest, protocol: str) -> HttpResponse:
    """Set up or change the trust."""
    organization = request.workspace.organization
    provider = selectors.identity_provider()
    kind: type[SamlForm | OidcForm] = SamlForm if protocol == "saml" else OidcForm
    form = kind(request.POST or None, request.FILES or None, initial=kind.values(provider), provider=provider)
    if form.is_valid():
        try:
            services.save_identity_provider(actor=request.actor, organization=organization, trust=form.trust())
            return go_to(request, _sso(request), "Saved. Test the connection before you turn it on.")
        except Invalid as error:
            show_errors(form, error)
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint} {getattr(error, 'words', '')}".strip())
    context = {
        "form": form,
        "protocol": protocol,
        "breadcrumb": [{"label": "Single sign-on", "url": _sso(request)}],
        "provider": provider,
    }
    return render_page(request, "workspaces/sso_edit.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def sso_switch(request: WorkspaceRequest) -> HttpResponse:
    """Turn single sign-on on or off."""
    enabled = request.POST.get("enabled") == "on"
    services.switch_identity_provider(actor=request.actor, provider=own_provider(), enabled=enabled)
    words = "Single sign-on is on." if enabled else "Single sign-on is off. People sign in with their own accounts."
    return go_to(request, _sso(request), words)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def sso_inviting(request: WorkspaceRequest) -> HttpResponse:
    """Allow inviting users who sign in with accounts of their own, or not."""
    allowed = request.POST.get("allowed") == "on"
    try:
        services.allow_inviting(actor=request.actor, organization=request.workspace.organization, allowed=allowed)
    except Invalid as error:
        return go_to(request, _sso(request), next(iter(error.fields.values()), error.message), tone="bad")
    words = "Users can be invited." if allowed else "Everybody but organization admins comes by the identity provider."
    return go_to(request, _sso(request), words)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def sso_remove(request: WorkspaceRequest) -> HttpResponse:
    """Forget the provider."""
    provider: IdentityProvider = own_provider()
    services.remove_identity_provider(actor=request.actor, provider=provider)
    return go_to(request, _sso(request), "The identity provider was removed.", tone="neutral")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
@never_cache
def make_scim_token(request: WorkspaceRequest) -> HttpResponse:
    """Make a token, or replace it; the answer to this one request is the only place that shows it."""
    try:
        token = services.make_scim_token(actor=request.actor, organization=request.workspace.organization)
    except Conflict as error:
        return go_to(request, _sso(request), f"{error.message} {error.hint}", tone="bad")
    context = {
        "token": token,
        "scim_url": f"{settings.BASE_URL}/api/scim/v2",
        "breadcrumb": [{"label": "Single sign-on", "url": _sso(request)}],
    }
    return render_page(request, "workspaces/scim_token_made.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def remove_scim_token(request: WorkspaceRequest) -> HttpResponse:
    """End pushing."""
    services.remove_scim_token(actor=request.actor, token=own_scim_token())
    words = "The provider can push nothing any more. People and groups stay as they were pushed last."
    return go_to(request, _sso(request), words, tone="neutral")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def add_domain(request: WorkspaceRequest) -> HttpResponse:
    """Claim a domain."""
    try:
        services.add_email_domain(
            actor=request.actor, organization=request.workspace.organization, domain=request.POST.get("domain", "")
        )
    except Invalid as error:
        return go_to(request, _sso(request), next(iter(error.fields.values()), error.message), tone="bad")
    return go_to(request, _sso(request), "Now add the TXT record, then check it here.")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def verify_domain(request: WorkspaceRequest, domain_id: int) -> HttpResponse:
    """Look whether the domain says that it is ours."""
    domain = email_domain_for(domain_id)
    try:
        services.verify_email_domain(actor=request.actor, domain=domain, texts=domains.texts)
    except HeadraceError as error:
        return go_to(request, _sso(request), f"{error.message} {error.hint}", tone="bad")
    return go_to(request, _sso(request), f"{domain.domain} is yours. Its people are sent to single sign-on.")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def remove_domain(request: WorkspaceRequest, domain_id: int) -> HttpResponse:
    """Give a domain up."""
    domain = email_domain_for(domain_id)
    services.remove_email_domain(actor=request.actor, domain=domain)
    return go_to(request, _sso(request), f"{domain.domain} was removed.", tone="neutral")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def add_mapping(request: WorkspaceRequest) -> HttpResponse:
    """Map a group of the provider to one of ours."""
    form = MappingForm(request.POST)
    if not form.is_valid():
        return go_to(request, _sso(request), "Choose a group on both sides.", tone="bad")
    try:
        services.map_group(
            actor=request.actor,
            organization=request.workspace.organization,
            directory_group=form.cleaned_data["directory_group"],
            group=form.cleaned_data["group"],
        )
    except Invalid as error:
        return go_to(request, _sso(request), next(iter(error.fields.values()), error.message), tone="bad")
    return go_to(request, _sso(request), "Mapped. Members known here have joined.")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def remove_mapping(request: WorkspaceRequest, mapping_id: int) -> HttpResponse:
    """End a mapping."""
    services.unmap_group(actor=request.actor, mapping=group_mapping_for(mapping_id))
    return go_to(request, _sso(request), "The mapping has ended.", tone="neutral")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
@confirmed
def end_member_sessions(request: WorkspaceRequest, member_id: int) -> HttpResponse:
    """Sign a person out everywhere."""
    member = access.member_for(member_id)
    ended = services.end_sessions(actor=request.actor, user=member.user, member=member)
    back = reverse("workspaces:member", args=[request.workspace.slug, member.pk])
    return go_to(request, back, f"{ended} {'session was' if ended == 1 else 'sessions were'} ended.")


def _sso(request: WorkspaceRequest) -> str:
    return reverse("workspaces:sso", args=[request.workspace.slug])
