"""Who may look people up and have them forgotten: the workspace's admins. Row values are a right of their own."""

from __future__ import annotations

from config.errors import NotFound
from governance.audit.actors import Actor
from governance.privacy.models import PersonCase
from workspaces import access
from workspaces.permissions import Permission


def require_privacy(actor: Actor) -> None:
    """Raise unless the actor may see and change what concerns single persons."""
    access.require(actor, Permission.MANAGE_WORKSPACE)


def case_for(actor: Actor, case_id: int) -> PersonCase:
    """A case of this workspace."""
    require_privacy(actor)
    return _found(case_id, lock=False)


def case_to_change(actor: Actor, case_id: int) -> PersonCase:
    """A case of this workspace, locked."""
    require_privacy(actor)
    return _found(case_id, lock=True)


def may_see_values(actor: Actor, source_id: int) -> bool:
    """Whether the actor may see row values of this source: otherwise they are masked."""
    return access.may(actor, Permission.VIEW_ROWS, source_id=source_id)


def _found(case_id: int, *, lock: bool) -> PersonCase:
    rows = PersonCase.objects.select_related("workspace")
    case = (rows.select_for_update(no_key=True, of=("self",)) if lock else rows).filter(pk=case_id).first()
    if case is None:
        raise NotFound("There is no such case here; results of a search are deleted after some hours.")
    return case
