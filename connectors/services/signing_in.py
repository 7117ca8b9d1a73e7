"""Keeping and removing what a service gave when a person agreed on its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.utils import timezone as clock

from connectors import access
from connectors.models import Connection, Destination, OAuthToken, Source
from connectors.sdk.tokens import Tokens
from connectors.services.connections import forget_health
from connectors.services.tokens import put_tokens
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged

C = TypeVar("C", bound=Connection)


@service("source.connected")
def connect_source(*, actor: Actor, source: Source, tokens: Tokens, places: Mapping[str, str]) -> Source:
    """Keep the tokens that a person's consent gave a source, in place of earlier ones; they go to ``places`` only."""
    return _connect(Source, actor, source, tokens, places)


@service("destination.connected")
def connect_destination(
    *, actor: Actor, destination: Destination, tokens: Tokens, places: Mapping[str, str]
) -> Destination:
    """Keep the tokens that a person's consent gave a destination; see :func:`connect_source`."""
    return _connect(Destination, actor, destination, tokens, places)


@service("source.disconnected")
def disconnect_source(*, actor: Actor, source: Source) -> Source:
    """Delete a source's tokens; its settings stay."""
    return _disconnect(Source, actor, source)


@service("destination.disconnected")
def disconnect_destination(*, actor: Actor, destination: Destination) -> Destination:
    """Delete a destination's tokens; its settings and syncs stay."""
    return _disconnect(Destination, actor, destination)


def _connect(model: type[C], actor: Actor, connection: C, tokens: Tokens, places: Mapping[str, str]) -> C:
    locked = access.connection_for(model, actor, connection.pk, access.MANAGE[model.kind], lock=True)
    of = {model.kind.value: locked}
    row = OAuthToken.objects.select_for_update().filter(**of).first()
    again = row is not None
    row = row or OAuthToken(workspace_id=locked.workspace_id, **of)
    put_tokens(row, tokens)
    row.places = dict(places)
    row.connected_by_id, row.connected_at = actor.user_id, clock.now()
    row.renewed_at = row.refused_at = None
    row.refused_message = ""
    row.save()
    forget_health(locked)
    locked.save()
    record(locked, after={"scope": row.scope, "places": row.places, "again": again})
    return locked


def _disconnect(model: type[C], actor: Actor, connection: C) -> C:
    locked = access.connection_for(model, actor, connection.pk, access.MANAGE[model.kind], lock=True)
    row = OAuthToken.objects.select_for_update().filter(**{model.kind.value: locked}).first()
    if row is None:
        unchanged()
        return locked
    record(locked, before={"scope": row.scope, "places": row.places})
    row.delete()
    forget_health(locked)
    locked.save()
    return locked
