"""An admin's session while they look as somebody else: reading only, with that person's rights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from config.errors import HeadraceError
from governance.audit.actors import Actor
from workspaces import services
from workspaces.actors import person
from workspaces.models import OrganizationMember, User, Workspace
from workspaces.scoping import workspace_scope

SESSION_KEY = "looking"
LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Look:
    """As whom, and the actor that reads for the admin."""

    member: OrganizationMember
    actor: Actor


def start(request: HttpRequest, workspace: Workspace, member: OrganizationMember) -> None:
    """Look as this person in the workspace of the scope, for an hour at most."""
    assert isinstance(request.user, User)
    services.start_look(actor=person(request.user), workspace=workspace, member=member)
    request.session[SESSION_KEY] = {
        "workspace": workspace.pk,
        "member": member.pk,
        "since": timezone.now().isoformat(),
    }


def current(request: HttpRequest, workspace: Workspace) -> Look | None:
    """As whom this request looks at the workspace of the scope; ends what may not go on."""
    kept = request.session.get(SESSION_KEY)
    if not kept or kept["workspace"] != workspace.pk or not isinstance(request.user, User):
        return None
    member = OrganizationMember.objects.select_related("user").filter(pk=kept["member"]).first()
    if member is None or timezone.now() - datetime.fromisoformat(kept["since"]) > LASTS:
        end(request)
        return None
    me = person(request.user)
    try:
        services.check_look(me, member)
    except HeadraceError:
        end(request)
        return None
    label = f"{me.label} as {member.user.email}"
    return Look(member, replace(me, label=label, user_id=member.user_id, looking=True))


def end(request: HttpRequest) -> None:
    """Be oneself again, if one was not."""
    kept = request.session.pop(SESSION_KEY, None)
    if not kept or not isinstance(request.user, User):
        return
    with workspace_scope(kept["workspace"]):
        workspace = Workspace.objects.filter(pk=kept["workspace"]).first()
        member = OrganizationMember.objects.select_related("user").filter(pk=kept["member"]).first()
        if workspace is not None and member is not None:
            services.end_look(actor=person(request.user), workspace=workspace, member=member)
