"""What an organization asks of whoever signs in, and the sessions of its people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network

from allauth.usersessions.models import UserSession
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from config.errors import Denied, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.access import require
from workspaces.models import DirectoryPerson, IdentityProvider, Organization, OrganizationMember, SignInRules, User
from workspaces.permissions import Permission
from workspaces.scoping import unscoped
from workspaces.services.checks import lock

IDLE_MINUTES = (5, 43_200)
LIFETIME_HOURS = (1, 8_760)
MOST_NETWORKS = 200


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked for: ``None`` and empty mean nothing. ``networks`` are CIDR."""

    second_factor: bool = False
    idle_minutes: int | None = None
    lifetime_hours: int | None = None
    networks: tuple[str, ...] = ()
    sso_required: bool = False
    networks_for_scim: bool = False


@service("sign_in_rules.changed")
def set_sign_in_rules(*, actor: Actor, organization: Organization, rules: Rules, address: str) -> SignInRules:
    """Ask this of everybody who enters, from the next request on; ``address`` is where the actor's own comes from."""
    require(actor, Permission.MANAGE_SIGN_IN)
    lock(f"sign-in rules {organization.pk}")
    row = SignInRules.objects.filter(organization=organization).first() or SignInRules(organization=organization)
    before = _as_dict(row)
    networks = _sound_networks(rules.networks)
    _keep_the_editor_in(networks, address)
    if rules.sso_required and not row.sso_required:
        require_a_proven_provider(organization)
    row.idle_minutes = _between("idle_minutes", rules.idle_minutes, IDLE_MINUTES)
    row.lifetime_hours = _between("lifetime_hours", rules.lifetime_hours, LIFETIME_HOURS)
    row.networks, row.networks_for_scim = networks, rules.networks_for_scim
    row.sso_required = rules.sso_required
    if not rules.second_factor:
        row.second_factor_since = None
    elif row.second_factor_since is None:
        row.second_factor_since = timezone.now()
    changed = changes(before, _as_dict(row))
    if not changed:
        unchanged()
        return row
    row.save()
    record(row, before=changed.before, after=changed.after, label=organization.name)
    return row


@service("session.ended")
def end_sessions(
    *, actor: Actor, user: User, member: OrganizationMember | None = None, sessions: Iterable[int] | None = None
) -> int:
    """End a person's sessions (some of their own by id, or all), and say how many there were.

    People may end their own; ``member`` is the person's place in the organization
    whose admin ends somebody else's.
    """
    if not actor.is_system and actor.user_id != user.pk:
        require(actor, Permission.MANAGE_ORGANIZATION)
        if member is None or member.user_id != user.pk:
            raise Denied("Only their organization's admins can end a person's sessions.")
    ended = close_sessions(user, sessions)
    if not ended:
        unchanged()
        return 0
    with unscoped("people end their own sessions outside every workspace"):
        member = member or OrganizationMember.objects.filter(user=user).order_by("pk").first()
        record(member or user, after={"sessions": ended}, label=user.email)
    return ended


def close_sessions(user: User, sessions: Iterable[int] | None = None) -> int:
    """End sessions inside another service, which says so in its own entry; the number ended."""
    rows = UserSession.objects.filter(user=user)
    if sessions is not None:
        rows = rows.filter(pk__in=list(sessions))
    found = list(rows)
    for row in found:
        row.end()
    return len(found)


@service("session.ended")
def end_provider_sessions(*, actor: Actor, provider: IdentityProvider, subject: str, indexes: Collection[str]) -> int:
    """End what a person's identity provider opened here, as it asks: sessions of these indexes, or all without any."""
    if not actor.is_system:
        raise Denied("Only the identity provider itself ends sessions so.")
    with unscoped("whoever signs out may be in no workspace"):
        known = DirectoryPerson.objects.select_related("user").filter(organization_id=provider.organization_id)
        found = known.filter(subject=subject).first() if subject else None
        opened = UserSession.objects.filter(user=found.user) if found else UserSession.objects.none()
        opened = opened.filter(data__identity_provider=str(provider.pk))
        if indexes:
            opened = opened.filter(data__index__in=list(indexes))
        ended = close_sessions(found.user, opened.values_list("pk", flat=True)) if found else 0
        if not found or not ended:
            unchanged()
            return 0
        after = {"sessions": ended, "asked_by": provider.login_name}
        member = OrganizationMember.objects.filter(user=found.user, organization_id=provider.organization_id).first()
        record(member or found, after=after, label=found.user.email)
    return ended


def open_session(request: HttpRequest, about: Mapping[str, str] | None = None) -> None:
    """List a session that a sign-in has just begun, so that it can be seen and ended; the sign-in is what is audited.

    The account library does it for its own sign-ins. ``about`` is what the identity provider calls the session.
    """
    assert isinstance(request.user, User)
    UserSession.objects.purge_and_list(request.user)
    UserSession.objects.create_from_request(request)
    if about:
        UserSession.objects.filter(session_key=request.session.session_key).update(data=dict(about))


def touch_session(*, session_key: str, now: datetime) -> None:
    """Remember that a session is in use; use is not an audited change."""
    UserSession.objects.filter(session_key=session_key).update(last_seen_at=now)


def _as_dict(row: SignInRules) -> dict[str, object]:
    return {
        "second_factor": row.second_factor_since is not None,
        "idle_minutes": row.idle_minutes,
        "lifetime_hours": row.lifetime_hours,
        "networks": row.networks,
        "networks_for_scim": row.networks_for_scim,
        "sso_required": row.sso_required,
    }


def _sound_networks(networks: Iterable[str]) -> list[str]:
    found: list[str] = []
    for text in networks:
        try:
            network = str(ip_network(text.strip(), strict=False))
        except ValueError:
            raise Invalid.field(
                "networks",
                f"“{text.strip()[:60]}” is not a network. Write one a line, like 203.0.113.0/24 or 2001:db8::/32.",
            ) from None
        if network not in found:
            found.append(network)
    if len(found) > MOST_NETWORKS:
        raise Invalid.field("networks", f"At most {MOST_NETWORKS} networks.")
    return found


def _keep_the_editor_in(networks: list[str], address: str) -> None:
    """Nobody may lock themselves out, as nobody else could let them in again."""
    from workspaces.entry import within

    if networks and not within(address, networks):
        raise Invalid.field(
            "networks",
            f"Your own address, {address or 'unknown'}, is in none of these networks: you would lock yourself out.",
        )


def require_a_proven_provider(organization: Organization) -> None:
    """Raise unless people can sign in by the identity provider: tested, and on."""
    proven = Q(enabled=True, tested_at__isnull=False)
    if not IdentityProvider.objects.filter(proven, organization=organization).exists():
        raise Invalid.field("sso_required", "Test single sign-on and turn it on before you require it.")


def _between(field: str, value: int | None, limits: tuple[int, int]) -> int | None:
    if value is not None and not limits[0] <= value <= limits[1]:
        raise Invalid.field(field, f"Between {limits[0]:,} and {limits[1]:,}.")
    return value
