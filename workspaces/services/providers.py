"""The identity provider of an organization: its trust, its domains, and what came of sign-ins."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_domain_name
from django.utils import timezone
from slugify import slugify

from config.errors import Conflict, Invalid
from config.sealing import seal
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.access import require
from workspaces.choices import SsoProtocol
from workspaces.models import (
    EmailDomain,
    IdentityProvider,
    Organization,
    OrganizationMember,
    ScimToken,
    SignInRules,
    SsoAttempt,
    User,
)
from workspaces.models.organizations import valid_slug
from workspaces.permissions import Permission
from workspaces.scoping import unscoped
from workspaces.services.checks import lock, required
from workspaces.services.sessions import close_sessions

FIELDS = (
    "protocol",
    "entity_id",
    "sso_url",
    "slo_url",
    "accepts_unasked",
    "issuer",
    "client_id",
    "scopes",
    "email_attribute",
    "name_attribute",
    "groups_attribute",
    "only_own_domains",
)
KEPT_ATTEMPTS = 50
RECORD_PREFIX = "_headrace."


@dataclass(frozen=True, slots=True)
class Trust:
    """What an organization admin enters. An empty ``client_secret`` keeps the stored one."""

    protocol: str
    entity_id: str = ""
    sso_url: str = ""
    slo_url: str = ""
    certificates: Sequence[str] = ()
    accepts_unasked: bool = False
    issuer: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scopes: str = ""
    email_attribute: str = "email"
    name_attribute: str = "name"
    groups_attribute: str = "groups"
    only_own_domains: bool = True


@service("identity_provider.saved")
def save_identity_provider(
    *, actor: Actor, organization: Organization, trust: Trust, login_name: str = ""
) -> IdentityProvider:
    """Set up or change the one provider that the organization trusts. A change asks for a new test."""
    require(actor, Permission.MANAGE_SIGN_IN)
    with unscoped("sign-in names are unique across the installation"):
        lock("sign-in names")
        provider = IdentityProvider.objects.filter(organization=organization).first()
        if provider is None:
            provider = IdentityProvider(
                organization=organization, login_name=_free_name(login_name or organization.name)
            )
        before = _describe(provider) if provider.pk else {}
        for name, value in asdict(_sound(trust, provider)).items():
            if name != "client_secret":
                setattr(provider, name, value)
        replaced = bool(trust.client_secret) and trust.protocol == SsoProtocol.OIDC
        if replaced:
            provider.sealed = seal(trust.client_secret)
        if provider.slo_url and not provider.signing_key:
            from workspaces.sso.single_logout import new_signing

            signing = new_signing(provider.login_name)
            provider.signing_key, provider.signing_certificate = seal(signing.key), signing.certificate
        changed = changes(before, _describe(provider))
        if not (changed or replaced):
            unchanged()
            return provider
        provider.tested_at = None
        provider.save()
        secret = {"client_secret": "replaced"} if replaced else {}
        record(provider, before=changed.before or None, after={**changed.after, **secret}, label=organization.name)
    return provider


@service("identity_provider.switched")
def switch_identity_provider(*, actor: Actor, provider: IdentityProvider, enabled: bool) -> IdentityProvider:
    """Let people sign in through the provider, or no longer. Off ends the requirement and its people's sessions."""
    require(actor, Permission.MANAGE_SIGN_IN)
    provider = IdentityProvider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    if provider.enabled == enabled:
        unchanged()
        return provider
    if enabled and provider.tested_at is None:
        raise Conflict("Test the connection first.", hint="Choose Test sign-in, and come back with your own account.")
    provider.enabled = enabled
    provider.save(update_fields=["enabled", "updated_at"])
    ended = 0 if enabled else _shut(provider)
    after = {"enabled": enabled} | ({"sessions_ended": ended} if ended else {})
    record(provider, before={"enabled": not enabled}, after=after, label=provider.login_name)
    return provider


@service("identity_provider.removed")
def remove_identity_provider(*, actor: Actor, provider: IdentityProvider) -> None:
    """Forget the provider. Its people's accounts stay, and open nothing until a provider vouches for them again.

    Pushing by SCIM ends with it.
    """
    require(actor, Permission.MANAGE_SIGN_IN)
    ended = _shut(provider)
    ScimToken.objects.filter(organization=provider.organization_id).delete()
    record(provider, before=_describe(provider), after={"sessions_ended": ended}, label=provider.login_name)
    provider.delete()


@service("identity_provider.tested")
def note_test(*, actor: Actor, provider: IdentityProvider) -> None:
    """Remember that an admin came back from the provider with a sound answer."""
    require(actor, Permission.MANAGE_SIGN_IN)
    now = timezone.now()
    IdentityProvider.objects.filter(pk=provider.pk).update(tested_at=now)
    record(provider, after={"tested_at": now}, label=provider.login_name)


def note_attempt(
    *, provider: IdentityProvider, failure: str = "", words: str = "", said: Mapping[str, Any], is_test: bool
) -> None:
    """Keep what came of an answer for a while; the audit entry is that of the sign-in itself."""
    with unscoped("whoever signs in is outside every scope"):
        made = SsoAttempt.objects.create(
            organization_id=provider.organization_id,
            failure=failure,
            words=words[:1000],
            said=dict(said),
            is_test=is_test,
        )
        kept = SsoAttempt.objects.filter(organization_id=provider.organization_id).order_by("-pk")
        oldest = kept.values_list("pk", flat=True)[KEPT_ATTEMPTS - 1 : KEPT_ATTEMPTS].first() if made.pk else None
        if oldest:
            SsoAttempt.objects.filter(organization_id=provider.organization_id, pk__lt=oldest).delete()


@service("session.refused")
def refuse_provider(
    *, actor: Actor, provider: IdentityProvider, failure: str, subject: str = "", address: str = ""
) -> None:
    """Remember that a sign-in through the provider came to nothing."""
    with unscoped("whoever signs in is outside every scope"):
        after = {"method": "sso", "failure": failure, "subject": subject[:200], "address": address}
        record(provider, after=after, label=provider.login_name)


@service("email_domain.added")
def add_email_domain(*, actor: Actor, organization: Organization, domain: str) -> EmailDomain:
    """Claim a domain; it does nothing until it is proven."""
    require(actor, Permission.MANAGE_SIGN_IN)
    domain = domain.strip().lower().rstrip(".").removeprefix("@")
    try:
        validate_domain_name(domain)
    except ValidationError:
        raise Invalid.field("domain", "Enter a domain, like example.com.") from None
    if "." not in domain:
        raise Invalid.field("domain", "Enter a domain, like example.com.")
    if EmailDomain.objects.filter(organization=organization, domain=domain).exists():
        raise Invalid.field("domain", f"{domain} is in the list already.")
    row = EmailDomain.objects.create(organization=organization, domain=domain, nonce=secrets.token_urlsafe(24))
    record(row, after={"domain": domain})
    return row


@service("email_domain.verified")
def verify_email_domain(*, actor: Actor, domain: EmailDomain, texts: Callable[[str], Sequence[str]]) -> EmailDomain:
    """Take the domain over once its TXT record says so; ``texts`` reads the TXT records of a name.

    The operator, who acts as the system, may do without the record.
    """
    require(actor, Permission.MANAGE_SIGN_IN)
    domain = EmailDomain.objects.select_for_update(no_key=True).get(pk=domain.pk)
    if domain.verified_at is not None:
        unchanged()
        return domain
    if not actor.is_system and record_value(domain) not in texts(RECORD_PREFIX + domain.domain):
        raise Conflict(
            f"{RECORD_PREFIX}{domain.domain} has no TXT record with this value yet.",
            hint="New records take up to an hour to be seen. Compare the value, then try again.",
        )
    with unscoped("a domain belongs to one organization of the installation"):
        lock(f"domain {domain.domain}")
        if EmailDomain.objects.filter(domain=domain.domain, verified_at__isnull=False).exists():
            raise Conflict(
                f"Another organization has proven that {domain.domain} is its own.",
                hint="Its admin has to remove the domain there first.",
            )
        domain.verified_at = timezone.now()
        domain.save(update_fields=["verified_at"])
    record(domain, after={"domain": domain.domain})
    return domain


@service("email_domain.removed")
def remove_email_domain(*, actor: Actor, domain: EmailDomain) -> None:
    """Give a domain up; its people choose themselves how they sign in."""
    require(actor, Permission.MANAGE_SIGN_IN)
    record(domain, before={"domain": domain.domain, "verified": domain.verified_at is not None})
    domain.delete()


def _shut(provider: IdentityProvider) -> int:
    """End the sessions that the provider opened; the number of them. Refused where nobody else could open the door."""
    admins = OrganizationMember.objects.filter(organization_id=provider.organization_id, is_admin=True)
    if not admins.filter(user__is_active=True, user__is_service=False, user__sso_organization=None).exists():
        raise Conflict(
            "All organization admins sign in through this provider, so nobody could turn it on again.",
            hint="Make somebody an organization admin who signs in with a password or passkey of their own.",
        )
    SignInRules.objects.filter(organization=provider.organization_id).update(sso_required=False)
    people = User.objects.filter(sso_organization_id=provider.organization_id)
    return sum(close_sessions(person) for person in people.filter(usersession__isnull=False).distinct())


def record_value(domain: EmailDomain) -> str:
    """What the TXT record has to say."""
    return f"headrace-domain-verification={domain.nonce}"


def _sound(trust: Trust, provider: IdentityProvider) -> Trust:
    for name in ("email_attribute", "name_attribute", "groups_attribute"):
        required(name, getattr(trust, name), 200)
    if trust.protocol == SsoProtocol.SAML:
        return _sound_saml(trust)
    if trust.protocol != SsoProtocol.OIDC:
        raise Invalid.field("protocol", "Choose SAML or OpenID Connect.")
    _address("issuer", trust.issuer)
    required("client_id", trust.client_id, 400)
    scopes = " ".join(trust.scopes.split())
    if scopes and "openid" not in scopes.split():
        raise Invalid.field("scopes", "The scopes must include openid.")
    return Trust(
        **{**asdict(trust), "certificates": [], "entity_id": "", "sso_url": "", "slo_url": "", "scopes": scopes}
    )


def _sound_saml(trust: Trust) -> Trust:
    required("entity_id", trust.entity_id, 1024)
    _address("sso_url", trust.sso_url)
    if trust.slo_url:
        _address("slo_url", trust.slo_url)
    if not trust.certificates:
        raise Invalid.field("certificates", "Add the certificate that the provider signs with.")
    return Trust(**{**asdict(trust), "issuer": "", "client_id": "", "certificates": list(trust.certificates)})


def _address(name: str, value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or len(value) > 1024:
        raise Invalid.field(name, "Enter a web address that begins with https://.")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise Invalid.field(name, "The address must begin with https://.")


def _describe(provider: IdentityProvider) -> dict[str, Any]:
    from workspaces.sso.saml import certificate

    fingerprints = [certificate(pem).fingerprint for pem in provider.certificates]
    return {**{name: getattr(provider, name) for name in FIELDS}, "certificates": fingerprints}


def _free_name(wanted: str) -> str:
    """A name for the addresses that no other organization has; to be called inside ``unscoped`` under its lock."""
    base = slugify(wanted, max_length=56) or "organization"
    valid_slug(base)
    taken = set(IdentityProvider.objects.filter(login_name__startswith=base).values_list("login_name", flat=True))
    candidate, number = base, 1
    while candidate in taken:
        number += 1
        candidate = f"{base}-{number}"
    return candidate
