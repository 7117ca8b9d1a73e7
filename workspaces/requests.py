"""The request as views in a workspace get it."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from governance.audit.actors import Actor
from workspaces.models import User, Workspace


class WorkspaceRequest(HttpRequest):
    """A request that passed the workspace middleware; for annotations only."""

    workspace: Workspace
    actor: Actor
    user: User
    htmx: HtmxDetails
