"""What signing in keeps secret, put under the newest key: client secrets, and what second factors stand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from config.errors import Denied
from config.sealing import is_newest, reseal
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.access import require
from workspaces.models import IdentityProvider, Organization, OrganizationMember, User
from workspaces.permissions import Permission
from workspaces.scoping import unscoped

# What the account library keeps sealed in a second factor: an app's key, and what recovery codes are made from.
SEALED_PARTS = ("secret", "seed")
# The client secret of OpenID Connect, and the key that signs what SAML says about signing out.
PROVIDER_PARTS = ("sealed", "signing_key")
WHY = "a person's second factors stand outside every organization"


@service("sign_in_secrets.rotated")
def rotate_sign_in_secrets(*, actor: Actor, organization: Organization) -> int:
    """Put the secrets of an identity provider and of people's second factors under the newest key; how many changed.

    What is under it already is left alone, so that an interrupted rotation goes on where it stopped.
    """
    require(actor, Permission.MANAGE_ORGANIZATION)
    with unscoped(WHY):
        people = OrganizationMember.objects.filter(organization=organization).values("user_id")
        counts = {
            "identity_providers": _rotate_providers(IdentityProvider.objects.filter(organization=organization)),
            "second_factors": _rotate_factors(Authenticator.objects.filter(user__in=people)),
        }
        if not any(counts.values()):
            unchanged()
            return 0
        record(organization, after=counts)
    return sum(counts.values())


@service("sign_in_secrets.rotated")
def rotate_second_factors(*, actor: Actor, user: User) -> int:
    """The same for a person who belongs to no organization; only the operator's command does this."""
    if not actor.is_system:
        raise Denied("Only the operator's command can do this.", hint="On the machine: manage.py rotate_secrets")
    with unscoped(WHY):
        changed = _rotate_factors(Authenticator.objects.filter(user=user))
        if not changed:
            unchanged()
            return 0
        record(user, after={"second_factors": changed})
    return changed


def people_without_organization() -> QuerySet[User]:
    """Whose second factors no organization's rotation reaches."""
    having = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values("user_id")
    return User.objects.filter(pk__in=having).exclude(pk__in=OrganizationMember.objects.values("user_id"))


def sign_in_secrets_left() -> dict[str, int]:
    """How many still need an older key, by what they are; read across the installation."""
    providers = IdentityProvider.objects.values_list(*PROVIDER_PARTS)
    factors = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("data", flat=True)
    return {
        "secrets of identity providers": sum(
            not is_newest(token) for parts in providers.iterator(500) for token in parts if token
        ),
        "second factors": sum(not all(map(is_newest, _tokens(data))) for data in factors.iterator(500)),
    }


def _rotate_providers(providers: QuerySet[IdentityProvider]) -> int:
    changed = 0
    for row in providers.select_for_update(no_key=True):
        old = [name for name in PROVIDER_PARTS if getattr(row, name) and not is_newest(getattr(row, name))]
        for name in old:
            setattr(row, name, reseal(getattr(row, name)))
        if old:
            row.save(update_fields=old)
            changed += 1
    return changed


def _rotate_factors(factors: QuerySet[Authenticator]) -> int:
    """Locked, as a recovery code that is used meanwhile is crossed off in the same column."""
    changed = 0
    for row in factors.exclude(type=Authenticator.Type.WEBAUTHN).select_for_update(no_key=True).order_by("pk"):
        if not all(map(is_newest, _tokens(row.data))):
            row.data = _resealed(row.data)
            row.save(update_fields=["data"])
            changed += 1
    return changed


def _tokens(data: dict[str, Any]) -> Iterator[str]:
    yield from (data[name] for name in SEALED_PARTS if name in data)
    yield from data.get("migrated_codes") or ()


def _resealed(data: dict[str, Any]) -> dict[str, Any]:
    made = {**data, **{name: reseal(data[name]) for name in SEALED_PARTS if name in data}}
    if data.get("migrated_codes"):
        made["migrated_codes"] = [reseal(token) for token in data["migrated_codes"]]
    return made
