"""API keys, and the service accounts that own keys of programs rather than of people."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from slugify import slugify

from config.errors import Invalid
from governance.audit.actors import Actor, ActorKind
from governance.audit.services import record, service, unchanged
from workspaces.access import require
from workspaces.models import ApiKey, GroupMember, Organization, OrganizationMember, User, UserGroup, Workspace
from workspaces.permissions import Permission
from workspaces.scopes import KeyScope, permissions_within
from workspaces.scoping import unscoped
from workspaces.services.checks import required
from workspaces.tokens import new_key

USE_RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made; ``secret`` cannot be read again."""

    key: ApiKey
    secret: str


@service("api_key.created")
def create_api_key(
    *,
    actor: Actor,
    workspace: Workspace,
    name: str,
    owner: User | None = None,
    scopes: Sequence[str] = tuple(KeyScope.values),
    expires_at: datetime | None = None,
) -> NewApiKey:
    """A key that acts with its owner's rights in this workspace, as far as its scopes go, until it expires.

    The owner is the actor, or a service account of the organization; only the
    system makes keys for other people. A key cannot make one that may do more than itself, or that outlives it.
    """
    require(actor, Permission.MANAGE_WORKSPACE)
    owner_id = _owner_id(actor, owner)
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid.field("expires_at", "Choose a time in the future.")
    _require_lifetime(actor, expires_at)
    secret = new_key()
    key = ApiKey.objects.create(
        workspace=workspace,
        name=required("name", name),
        owner_id=owner_id,
        prefix=secret.prefix,
        digest=secret.digest,
        scopes=_sound_scopes(actor, scopes),
        expires_at=expires_at,
    )
    after = {"name": key.name, "prefix": key.prefix, "owner": key.owner.email}
    record(key, after={**after, "scopes": key.scopes, "expires_at": key.expires_at})
    return NewApiKey(key, secret.value)


@service("api_key.revoked")
def revoke_api_key(*, actor: Actor, key: ApiKey, now: datetime) -> ApiKey:
    """Stop a key for good."""
    require(actor, Permission.MANAGE_WORKSPACE)
    key = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk)
    if key.revoked_at is not None:
        unchanged()
        return key
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    record(key, before={"name": key.name, "prefix": key.prefix})
    return key


@service("service_account.created")
def create_service_account(
    *, actor: Actor, organization: Organization, name: str, groups: Iterable[UserGroup] = ()
) -> OrganizationMember:
    """A place in the organization for a program; it gets access through groups and can never sign in."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    name = required("name", name)
    # The address tells accounts apart; the domain is reserved, so no mail can ever be sent there.
    address = f"{slugify(name, max_length=40) or 'service'}-{secrets.token_hex(4)}@service-account.invalid"
    user = User.objects.create_user(address, None, name=name, is_service=True)
    member = OrganizationMember.objects.create(organization=organization, user=user)
    groups = list(groups)
    GroupMember.objects.bulk_create(
        GroupMember(organization=organization, group=group, member=member) for group in groups
    )
    record(member, after={"name": name, "groups": sorted(group.name for group in groups)}, label=name)
    return member


def stop_keys(user_id: int, organization_id: int) -> list[str]:
    """Stop a person's keys to every workspace of the organization, inside another service; the names of the keys."""
    with unscoped("the person's keys stop in every workspace of the organization"):
        keys = ApiKey.objects.filter(owner_id=user_id, workspace__organization_id=organization_id, revoked_at=None)
        stopped = sorted(keys.values_list("name", flat=True))
        keys.update(revoked_at=timezone.now())
    return stopped


def _owner_id(actor: Actor, owner: User | None) -> int:
    if owner is None or owner.pk == actor.user_id:
        if actor.user_id is None:
            raise Invalid.field("owner", "A key needs an owner.")
        return actor.user_id
    if actor.is_system:
        return owner.pk
    member = OrganizationMember.objects.filter(user=owner, user__is_service=True).first()
    if member is None:
        raise Invalid.field("owner", "Keys are made for oneself or for a service account.")
    if member.is_admin:
        require(actor, Permission.MANAGE_ORGANIZATION)
    return owner.pk


def _require_lifetime(actor: Actor, expires_at: datetime | None) -> None:
    if actor.kind is not ActorKind.API_KEY:
        return
    end = ApiKey.objects.values_list("expires_at", flat=True).get(pk=actor.id or 0)
    if end is not None and (expires_at is None or expires_at > end):
        raise Invalid.field("expires_at", f"A key cannot make a key that outlives it; it ends at {end.isoformat()}.")


def _sound_scopes(actor: Actor, scopes: Sequence[str]) -> list[str]:
    if unknown := sorted(set(scopes) - set(KeyScope.values)):
        raise Invalid.field("scopes", f"There is no scope {unknown[0]}. Choose of: {', '.join(KeyScope.values)}.")
    if not scopes:
        raise Invalid.field("scopes", "Choose at least one.")
    if actor.allowed is not None and not permissions_within(scopes) <= actor.allowed:
        raise Invalid.field("scopes", "A key cannot make a key that may do more than itself.")
    return [value for value in KeyScope.values if value in scopes]


def touch_api_key(*, key: ApiKey, now: datetime) -> None:
    """Remember that the key was used, at most once a minute; use is not an audited change."""
    if key.last_used_at is not None and now - key.last_used_at < USE_RESOLUTION:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RESOLUTION)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
