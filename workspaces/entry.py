"""What an organization asks of whoever enters its workspaces: where from, for how long, and how they signed in.

Asked on every request of a page in a workspace and of every API key. The rules come
with the workspace itself, so an organization without any costs nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import logout
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from config.errors import Denied
from workspaces import services
from workspaces.models import Organization, OrganizationMember, SignInRules, User
from workspaces.scoping import unscoped

# Sent by what <c-live> fetches by itself.
LIVE = "X-Headrace-Live"
SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
# How often a session's last use is written down, in seconds; the shortest idle time is a few times that.
SEEN_RESOLUTION = 60


@dataclass(frozen=True, slots=True)
class Detour:
    """Where a person has to go before they may enter, and why."""

    url: str
    words: str


def rules_of(organization: Organization) -> SignInRules | None:
    """The rules that were read with the organization."""
    return getattr(organization, "sign_in_rules", None)


def check_network(request: HttpRequest, organization: Organization) -> None:
    """Raise :class:`Denied` where the caller's network is not on the organization's list."""
    rules = rules_of(organization)
    if rules is None or not rules.networks:
        return
    address = client_address(request)
    if not within(address, rules.networks):
        raise Denied(
            f"{organization.name} lets people in from certain networks only, and {address} is not in one of them.",
            hint="Connect through your company's network, or ask an organization admin to add yours.",
            code="network_not_allowed",
        )


def detour(request: HttpRequest, user: User, organization: Organization) -> Detour | None:
    """What this person has to do before entering, or nothing. Ends sessions that are over."""
    rules = rules_of(organization)
    if rules is None:
        return None
    if words := _over(request, rules):
        logout(request)
        return Detour(_with_next(reverse("account_login"), request), words)
    if rules.sso_required and user.sso_organization_id != organization.pk and not _is_admin(user, organization):
        return Detour(_with_next(reverse("sso_required", args=[organization.pk]), request), "")
    if _lacks_second_factor(request, user, rules):
        words = f"{organization.name} asks for a second factor. Set one up to go on."
        return Detour(_with_next(reverse("mfa_index"), request), words)
    return None


def client_address(request: HttpRequest) -> str:
    """Whom we take the request to come from: the connection, or what the operator's trusted proxies say."""
    return str(get_adapter().get_client_ip(request))


def within(address: str, networks: list[str]) -> bool:
    """Whether an address is in one of the networks; IPv4 addresses in IPv6 clothes count as IPv4."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in ip_network(network) for network in networks)


def note_use(request: HttpRequest) -> None:
    """Write down that a session is in use, once in a while. A page that fetches itself again is used by nobody."""
    if request.headers.get(LIVE):
        return
    now = time.time()
    if now - float(request.session.get(SEEN_AT, 0)) > SEEN_RESOLUTION:
        request.session[SEEN_AT] = now
        services.touch_session(session_key=request.session.session_key or "", now=timezone.now())


def _over(request: HttpRequest, rules: SignInRules) -> str:
    """Why the session is over, or nothing."""
    now, session = time.time(), request.session
    began = float(session.get(SIGNED_IN_AT, 0))
    if rules.lifetime_hours and now - began > rules.lifetime_hours * 3600:
        return f"You were signed out: sessions last {rules.lifetime_hours} hours here."
    seen = float(session.get(SEEN_AT, began))
    if rules.idle_minutes and now - seen > rules.idle_minutes * 60:
        return f"You were signed out after {rules.idle_minutes} minutes without use."
    return ""


def _lacks_second_factor(request: HttpRequest, user: User, rules: SignInRules) -> bool:
    """Whether a second factor is asked for and missing. Identity providers ask for one themselves."""
    if rules.second_factor_since is None or user.sso_organization_id is not None:
        return False
    began = float(request.session.get(SIGNED_IN_AT, 0))
    return began > rules.second_factor_since.timestamp() and not is_mfa_enabled(user)


def _is_admin(user: User, organization: Organization) -> bool:
    """Organization admins keep their own sign-in, so that a broken identity provider locks nobody out for good."""
    with unscoped("asked before the workspace's scope is entered"):
        return OrganizationMember.objects.filter(organization=organization, user=user, is_admin=True).exists()


def _with_next(url: str, request: HttpRequest) -> str:
    here = request.get_full_path() if request.method == "GET" else "/"
    return f"{url}?{urlencode({'next': here})}"
