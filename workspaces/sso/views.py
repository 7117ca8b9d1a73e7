"""Signing in through an organization's identity provider: there, back, and what can go wrong on the way."""

from __future__ import annotations

import secrets
import time
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django import forms
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.errors import HeadraceError
from config.htmx import render_page
from governance.audit.actors import system
from workspaces import services
from workspaces.access import workspace_for
from workspaces.actors import person
from workspaces.entry import client_address
from workspaces.models import IdentityProvider, Organization, User
from workspaces.routes import public, signed_in
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services.directory import Deactivated, ForeignAddress, check_address
from workspaces.sso import oidc, pending, saml
from workspaces.sso.access import provider_for_email, provider_named
from workspaces.sso.claims import Claims
from workspaces.sso.diagnosis import SignInFailed
from workspaces.sso.logout_views import remember_session
from workspaces.sso.pending import Pending

BACKEND = "workspaces.backends.PasswordBackend"
ACTOR = system("single sign-on")
NOBODY = "whoever signs in is not known yet; the identity provider's answer decides"


class FindForm(forms.Form):
    """Where a person's organization signs in."""

    organization = forms.CharField(
        label="Work e-mail or organization",
        max_length=254,
        help_text="The last part of your organization's sign-in address.",
    )


@public(NOBODY)
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Ask for the organization, then offer its sign-in; a link, as a form may not lead to another site."""
    form = FindForm(request.POST or None)
    provider: IdentityProvider | None = None
    if form.is_valid():
        provider = _looked_up(form.cleaned_data["organization"].strip())
        if provider is None:
            form.add_error("organization", "No organization signs in under this address or name.")
    context = {"form": form, "provider": provider, "next": request.GET.get("next", "")}
    return render_page(request, "sso/find.html", context, status=422 if form.errors else 200)


@public(NOBODY)
@require_GET
@never_cache
def start(request: HttpRequest, login_name: str) -> HttpResponse:
    """Send the person to the provider."""
    provider = provider_named(login_name)
    if not provider.enabled:
        return _failed(request, provider, SignInFailed("off"))
    return _leave(request, provider, test="")


@signed_in("an admin tries a connection that is not turned on; the right is checked in the organization's scope")
@require_GET
@never_cache
def test(request: HttpRequest, login_name: str, slug: str) -> HttpResponse:
    """Send an admin to the provider and back, without signing anybody in."""
    provider = provider_named(login_name)
    _admin_of(request, slug, provider)
    return _leave(request, provider, test=slug)


@public("the identity provider sends its answer here, through the person's browser")
@csrf_exempt
@require_POST
def acs(request: HttpRequest, login_name: str) -> HttpResponse:
    """Park a SAML answer: this POST comes from another site, without the session that the answer belongs to."""
    provider = provider_named(login_name)
    answer = request.POST.get("SAMLResponse", "")
    if not provider.is_saml or not answer or len(answer) > saml.MOST_BYTES:
        return _failed(request, provider, SignInFailed("unreadable"))
    ticket = pending.park(provider, answer, request.POST.get("RelayState", "")[:200])
    return redirect(f"{reverse('sso_finish', args=[login_name])}?{urlencode({'ticket': ticket})}")


@public("the answer decides; it counts in the browser that asked for it")
@require_GET
@never_cache
def finish(request: HttpRequest, login_name: str) -> HttpResponse:
    """Judge a parked SAML answer and sign its person in."""
    provider = provider_named(login_name)
    begun: Pending | None = None
    try:
        encoded, name = pending.unpark(provider, request.GET.get("ticket", ""))
        begun = _begun(request, provider, name)
        answer = saml.read_answer(provider, encoded, begun.nonce or None)
        pending.count_once(provider, answer.assertion_id, answer.until)
        return _welcome(request, provider, begun, answer.claims, answer.session)
    except SignInFailed as error:
        return _failed(request, provider, error, begun)


@public("the answer decides; it counts in the browser that asked for it")
@require_GET
@never_cache
def callback(request: HttpRequest, login_name: str) -> HttpResponse:
    """Judge an OpenID Connect answer and sign its person in."""
    provider = provider_named(login_name)
    begun: Pending | None = None
    try:
        begun = pending.take(request, request.GET.get("state", ""), provider)
        claims = oidc.read_answer(provider, request.GET.dict(), nonce=begun.nonce, verifier=begun.verifier)
        return _welcome(request, provider, begun, claims)
    except SignInFailed as error:
        return _failed(request, provider, error, begun)


@public("describes the address that answers go to, and holds no data")
@require_GET
def metadata(request: HttpRequest, login_name: str) -> HttpResponse:
    """Our SAML metadata for one provider."""
    return HttpResponse(saml.metadata(provider_named(login_name)), content_type="application/samlmetadata+xml")


@signed_in("shows only that the organization asks for single sign-on, and where")
@require_GET
def required(request: HttpRequest, organization_id: int) -> HttpResponse:
    """For people who signed in with a password where their organization requires its identity provider."""
    with unscoped("asked before the workspace's scope is entered"):
        member_of = Organization.objects.filter(pk=organization_id)
        member_of = member_of.filter(pk__in=_own_organizations(request))
        organization = member_of.select_related("identity_provider").first()
    provider = getattr(organization, "identity_provider", None)
    next_path = pending.safe_next(request, request.GET.get("next", "/"))
    return render_page(
        request, "sso/required.html", {"organization": organization, "provider": provider, "next": next_path}
    )


def _own_organizations(request: HttpRequest) -> list[int]:
    assert isinstance(request.user, User)
    return list(request.user.memberships.values_list("organization_id", flat=True))


def _looked_up(text: str) -> IdentityProvider | None:
    if "@" in text:
        return provider_for_email(text)
    try:
        provider = provider_named(text.rstrip("/").rpartition("/")[2].lower())
    except HeadraceError:
        return None
    return provider if provider.enabled else None


def _admin_of(request: HttpRequest, slug: str, provider: IdentityProvider) -> None:
    """Raise unless this person administers the provider's organization, seen from this workspace of it."""
    from workspaces.access import require
    from workspaces.permissions import Permission

    assert isinstance(request.user, User)
    workspace = workspace_for(request.user.pk, slug)
    with workspace_scope(workspace.pk):
        require(person(request.user), Permission.MANAGE_ORGANIZATION)
        if workspace.organization_id != provider.organization_id:
            raise SignInFailed("not_yours")


def _leave(request: HttpRequest, provider: IdentityProvider, test: str) -> HttpResponse:
    name, next_path = secrets.token_urlsafe(24), pending.safe_next(request, request.GET.get("next", "/"))
    try:
        if provider.is_saml:
            address, request_id = saml.begin(provider, name)
            begun = Pending(provider.pk, next_path, time.time(), test, nonce=request_id)
        else:
            nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
            address = oidc.begin(provider, state=name, nonce=nonce, verifier=verifier)
            begun = Pending(provider.pk, next_path, time.time(), test, nonce, verifier)
    except SignInFailed as error:
        return _failed(request, provider, error, Pending(provider.pk, next_path, time.time(), test))
    pending.remember(request, name, begun)
    return HttpResponseRedirect(address)


def _begun(request: HttpRequest, provider: IdentityProvider, name: str) -> Pending:
    """The sign-in that a SAML answer belongs to; one begun at the provider belongs to none, where that is allowed."""
    if provider.accepts_unasked and not pending.is_known(request, name):
        return Pending(provider.pk, pending.safe_next(request, name), time.time())
    return pending.take(request, name, provider)


def _welcome(
    request: HttpRequest,
    provider: IdentityProvider,
    begun: Pending,
    claims: Claims,
    session: saml.Session | None = None,
) -> HttpResponse:
    if begun.test:
        return _tested(request, provider, begun, claims)
    if not provider.enabled:
        raise SignInFailed("off", said=claims.said)
    try:
        user = services.admit_person(
            actor=ACTOR,
            provider=provider,
            subject=claims.subject,
            email=claims.email,
            name=claims.name,
            groups=claims.groups,
        )
    except (Deactivated, ForeignAddress) as error:
        raise SignInFailed(error.code, words=error.message, said=claims.said) from error
    services.note_attempt(provider=provider, said=claims.said, is_test=False)
    if request.user.is_authenticated and request.user.pk != user.pk:
        logout(request)
    record_authentication(request, user, method="sso", provider=f"sso ({provider.login_name})")
    login(request, user, backend=BACKEND)
    services.open_session(request, about=remember_session(request, provider, session))
    return redirect(begun.next)


def _tested(request: HttpRequest, provider: IdentityProvider, begun: Pending, claims: Claims) -> HttpResponse:
    """Show an admin what the provider said; nobody is signed in by it."""
    if not isinstance(request.user, User):
        raise SignInFailed("not_yours")
    _admin_of(request, begun.test, provider)
    try:
        check_address(provider, claims.email)
    except ForeignAddress as error:
        raise SignInFailed(error.code, words=error.message, said=claims.said) from error
    services.note_attempt(provider=provider, said=claims.said, is_test=True)
    with workspace_scope(workspace_for(request.user.pk, begun.test).pk):
        services.note_test(actor=person(request.user), provider=provider)
    return redirect(reverse("workspaces:sso", args=[begun.test]) + "?tested=1")


def _failed(
    request: HttpRequest, provider: IdentityProvider, error: SignInFailed, begun: Pending | None = None
) -> HttpResponse:
    """Say it to the person, keep it for the admin, and put it into the audit log."""
    if pending.may_note_failure(provider, client_address(request)):
        _note(request, provider, error, is_test=bool(begun and begun.test))
    context: dict[str, Any] = {
        "provider": provider,
        "title": error.message,
        "remedy": error.hint,
        "words": error.words,
        "again": "" if error.failure == "off" else reverse("sso_start", args=[provider.login_name]),
        "back": reverse("workspaces:sso", args=[begun.test]) if begun and begun.test else "",
    }
    return render_page(request, "sso/failed.html", context, status=error.status)


def _note(request: HttpRequest, provider: IdentityProvider, error: SignInFailed, *, is_test: bool) -> None:
    services.note_attempt(provider=provider, failure=error.failure, words=error.words, said=error.said, is_test=is_test)
    services.refuse_provider(
        actor=ACTOR,
        provider=provider,
        failure=error.failure,
        subject=str(error.said.get("subject") or ""),
        address=client_address(request),
    )
