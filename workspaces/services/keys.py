"""API keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from config.errors import Invalid
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.access import require
from workspaces.models import ApiKey, User, Workspace
from workspaces.permissions import Permission
from workspaces.services.checks import required
from workspaces.tokens import new_key

USE_RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made; ``secret`` cannot be read again."""

    key: ApiKey
    secret: str


@service("api_key.created")
def create_api_key(*, actor: Actor, workspace: Workspace, name: str, owner: User | None = None) -> NewApiKey:
    """A key that acts with its owner's rights in this workspace; the owner is the actor unless the system acts."""
    require(actor, Permission.MANAGE_WORKSPACE)
    owner_id = owner.pk if owner and actor.is_system else actor.user_id
    if owner_id is None:
        raise Invalid.field("owner", "A key needs an owner.")
    secret = new_key()
    key = ApiKey.objects.create(
        workspace=workspace,
        name=required("name", name),
        owner_id=owner_id,
        prefix=secret.prefix,
        digest=secret.digest,
    )
    record(key, after={"name": key.name, "prefix": key.prefix, "owner": key.owner.email})
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


def touch_api_key(*, key: ApiKey, now: datetime) -> None:
    """Remember that the key was used, at most once a minute; use is not an audited change."""
    if key.last_used_at is not None and now - key.last_used_at < USE_RESOLUTION:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RESOLUTION)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
