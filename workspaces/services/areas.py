"""Product areas: switching one off, or on again."""

from __future__ import annotations

from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.access import require
from workspaces.areas import area_named
from workspaces.models import Workspace
from workspaces.permissions import Permission


@service("workspace.updated")
def switch_area(*, actor: Actor, workspace: Workspace, key: str, enabled: bool) -> Workspace:
    """Offer a product area in this workspace, or no longer.

    Nothing of it is deleted; what runs of it is asked to stop. Raises :class:`~config.errors.NotFound` for an unknown
    area.
    """
    require(actor, Permission.MANAGE_WORKSPACE)
    area = area_named(key)
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    before = list(workspace.areas_off)
    if enabled == (key not in before):
        unchanged()
        return workspace
    workspace.areas_off = [each for each in before if each != key] if enabled else sorted({*before, key})
    workspace.save(update_fields=["areas_off"])
    if not enabled:
        area.stop()
    record(workspace, before={"areas_off": before}, after={"areas_off": workspace.areas_off})
    return workspace
