"""What the identity provider proves itself with when it pushes people and groups."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from config.errors import Conflict
from governance.audit.actors import Actor
from governance.audit.services import record, service
from workspaces.access import require
from workspaces.models import IdentityProvider, Organization, ScimToken
from workspaces.permissions import Permission
from workspaces.services.checks import lock
from workspaces.tokens import new_key

USE_RESOLUTION = timedelta(minutes=1)


@service("scim_token.made")
def make_scim_token(*, actor: Actor, organization: Organization) -> str:
    """A new token, which cannot be read again; the one before stops at once."""
    require(actor, Permission.MANAGE_SIGN_IN)
    lock(f"scim token {organization.pk}")
    if not IdentityProvider.objects.filter(organization=organization).exists():
        raise Conflict("Set up single sign-on first.", hint="Whoever is pushed signs in through it.")
    secret = new_key("hrscim")
    token = ScimToken.objects.filter(organization=organization).first()
    before = {"prefix": token.prefix} if token else None
    token = token or ScimToken(organization=organization)
    token.prefix, token.digest = secret.prefix, secret.digest
    token.made_at, token.made_by_id, token.last_used_at = timezone.now(), actor.user_id, None
    token.save()
    record(token, before=before, after={"prefix": secret.prefix}, label=organization.name)
    return secret.value


@service("scim_token.removed")
def remove_scim_token(*, actor: Actor, token: ScimToken) -> None:
    """End pushing; people and groups stay as they were pushed last."""
    require(actor, Permission.MANAGE_SIGN_IN)
    record(token, before={"prefix": token.prefix}, label=token.organization.name)
    token.delete()


def touch_scim_token(*, token: ScimToken, now: datetime) -> None:
    """Remember that the token was used, at most once a minute; use is not an audited change."""
    if token.last_used_at is not None and now - token.last_used_at < USE_RESOLUTION:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RESOLUTION)
    ScimToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
