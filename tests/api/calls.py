"""Calling the REST API with a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from tests.world import Place
from workspaces.actors import person
from workspaces.models import User
from workspaces.scoping import workspace_scope
from workspaces.services import create_api_key

Call = Callable[..., Any]


def key_of(place: Place, owner: User) -> str:
    """An API key that acts as this person."""
    with workspace_scope(place.workspace.pk):
        actor = place.actor if owner == place.owner else person(owner)
        return create_api_key(actor=actor, workspace=place.workspace, name="Test").secret


def caller(key: str) -> Call:
    """``call("get", "/syncs", …)`` with a key; answers with the response."""
    client = Client(headers={"Authorization": f"Bearer {key}"} if key else {})

    def call(method: str, path: str, body: Any = None, **query: Any) -> Any:
        send = getattr(client, method)
        if method == "get":
            return send(f"/api/v1{path}", query)
        return send(f"/api/v1{path}", body if body is not None else {}, content_type="application/json")

    return call
