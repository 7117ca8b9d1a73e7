"""Refusals in the audit log: who asked for what without the right to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from governance.audit.actors import Actor, ActorKind, system
from governance.audit.services import record_event
from workspaces.entry import client_address
from workspaces.models import ApiKey
from workspaces.requests import WorkspaceRequest
from workspaces.scoping import unscoped

REFUSED = 403


def note_denial(request: WorkspaceRequest, response: HttpResponse) -> None:
    """Keep a refusal in the workspace's log; the same one once in a while, a scan of addresses only in part."""
    if response.status_code != REFUSED:
        return
    record_event(
        "access.denied",
        actor=request.actor,
        organization_id=request.workspace.organization_id,
        workspace_id=request.workspace.pk,
        label=f"{request.method} {request.path}",
        details={"method": request.method, "address": request.path},
    )


def note_refused_key(request: HttpRequest, key: ApiKey | None, reason: str) -> None:
    """Keep that an API key was refused: in its workspace's log, or where nobody knows the key, in the installation's.

    The same key, reason and address leave one entry in a while, and all unknown keys together only a few.
    """
    details = {"reason": reason, "address": client_address(request)}
    with unscoped("a key that is refused enters no workspace"):
        if key is None:
            record_event("api_key.refused", actor=system("API"), organization_id=None, details=details)
            return
        record_event(
            "api_key.refused",
            actor=Actor(ActorKind.API_KEY, key.pk, key.name, user_id=key.owner_id, workspace_id=key.workspace_id),
            organization_id=key.workspace.organization_id,
            workspace_id=key.workspace_id,
            resource_id=key.pk,
            label=key.name,
            details=details,
        )
