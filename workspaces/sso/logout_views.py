"""Signing out together with the identity provider (SAML single logout): ours first, then theirs; or as they ask."""

from __future__ import annotations

import secrets
import time

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from config.errors import HeadraceError
from config.htmx import render_page
from governance.audit.actors import system
from workspaces import services
from workspaces.models import IdentityProvider
from workspaces.routes import public
from workspaces.sso import pending, saml, single_logout
from workspaces.sso.access import provider_named
from workspaces.sso.diagnosis import SignInFailed

ACTOR = system("single sign-on")
SESSION_KEY = "sso_session"
MESSAGE_PARTS = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature")


def remember_session(request: HttpRequest, provider: IdentityProvider, session: saml.Session | None) -> dict[str, str]:
    """Keep what the provider calls this session, for signing out; what to note with it in the list of sessions."""
    if session is None:
        return {}
    request.session[SESSION_KEY] = {"provider": provider.login_name, "session": session.as_dict()}
    return {"identity_provider": str(provider.pk), "index": session.index}


def way_out(request: HttpRequest) -> str:
    """Where somebody who signs out has to pass by to be signed out at their provider too; empty where nowhere."""
    kept = request.session.get(SESSION_KEY)
    if not kept:
        return ""
    try:
        provider = provider_named(kept["provider"])
    except HeadraceError:  # removed meanwhile
        return ""
    if not (provider.enabled and provider.slo_url):
        return ""
    ticket = secrets.token_urlsafe(32)
    cache.set(f"sso-leaving:{ticket}", kept["session"], pending.TICKET_SECONDS)
    return f"{reverse('sso_leave', args=[provider.login_name])}?{urlencode({'ticket': ticket})}"


@public("whoever comes by has just signed out; the ticket says at which session of the provider")
@require_GET
@never_cache
def leave(request: HttpRequest, login_name: str) -> HttpResponse:
    """Send a person who signed out here on to the provider: by a page, as a form may not lead to another site."""
    provider, key = provider_named(login_name), f"sso-leaving:{request.GET.get('ticket', '')}"
    session = cache.get(key)
    if session is None or not provider.slo_url or not cache.delete(key):
        return redirect("account_login")
    relay_state = secrets.token_urlsafe(24)
    address, request_id = single_logout.leave(provider, saml.Session(**session), relay_state)
    cache.set(f"sso-left:{relay_state}", (provider.pk, request_id), pending.SECONDS)
    return render_page(request, "sso/leave.html", {"provider": provider, "address": address})


@public("the identity provider sends its word here; its signature decides")
@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
def end(request: HttpRequest, login_name: str) -> HttpResponse:
    """The provider asks to end somebody's sessions, or says that it has ended its own."""
    provider = provider_named(login_name)
    try:
        if not (provider.is_saml and provider.slo_url):
            raise SignInFailed("off")
        query = "" if request.method == "POST" else request.META.get("QUERY_STRING", "")
        # Read from what is signed itself: nothing else may decide how it is read.
        sent = _once(request.POST if request.method == "POST" else QueryDict(query))
        if "SAMLResponse" in sent:
            return _left(request, provider, sent, query)
        return _asked(provider, sent, query)
    except SignInFailed as error:
        context = {"title": error.message, "remedy": error.hint, "words": error.words}
        return render_page(request, "sso/logout_failed.html", context, status=error.status)


def _asked(provider: IdentityProvider, sent: dict[str, str], query: str) -> HttpResponse:
    """End the sessions that the provider names, whichever browser brought the request, and say so."""
    ending = single_logout.read_request(provider, sent, query)
    pending.count_once(provider, ending.message_id, time.time() + single_logout.FRESH_SECONDS)
    services.end_provider_sessions(actor=ACTOR, provider=provider, subject=ending.name_id, indexes=ending.indexes)
    return HttpResponseRedirect(single_logout.answer(provider, ending, sent.get("RelayState", "")))


def _left(request: HttpRequest, provider: IdentityProvider, sent: dict[str, str], query: str) -> HttpResponse:
    key = f"sso-left:{sent.get('RelayState', '')}"
    provider_id, request_id = cache.get(key) or (None, "")
    if provider_id != provider.pk or not cache.delete(key):
        raise SignInFailed("not_yours")
    if single_logout.read_answer(provider, sent, query, request_id):
        messages.success(request, "You are signed out, here and at your identity provider.")
    else:
        words = "You are signed out here. Your identity provider says that it could not sign you out everywhere."
        messages.warning(request, words)
    return redirect("account_login")


def _once(given: QueryDict) -> dict[str, str]:
    """The parts of a message. Each may stand there once: a second one could be what is read, and the first what is
    signed."""
    if any(len(given.getlist(name)) > 1 for name in MESSAGE_PARTS):
        raise SignInFailed("unreadable")
    return {name: str(given[name]) for name in MESSAGE_PARTS if name in given}
