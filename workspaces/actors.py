"""Actors made of the people and API keys of this app."""

from __future__ import annotations

from governance.audit.actors import Actor, ActorKind
from workspaces.models import ApiKey, User
from workspaces.scopes import permissions_within


def person(user: User) -> Actor:
    """A signed-in person."""
    return Actor(kind=ActorKind.PERSON, id=user.pk, label=user.email, user_id=user.pk)


def for_api_key(key: ApiKey) -> Actor:
    """An API key: its owner's rights, as far as its scopes go, in its own workspace only."""
    return Actor(
        kind=ActorKind.API_KEY,
        id=key.pk,
        label=key.name,
        user_id=key.owner_id,
        workspace_id=key.workspace_id,
        allowed=permissions_within(key.scopes),
    )
