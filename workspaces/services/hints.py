"""The helps that a person puts aside, and asks for again."""

from __future__ import annotations

from config.errors import NotFound
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.access import require, require_person
from workspaces.choices import Hint
from workspaces.models import DismissedHint, Workspace
from workspaces.permissions import Permission


@service("hint.dismissed")
def dismiss_hint(*, actor: Actor, workspace: Workspace, hint: str) -> None:
    """Show a help no longer to this person, here."""
    require(actor, Permission.MEMBER)
    known = _known(hint)
    made, fresh = DismissedHint.objects.get_or_create(workspace=workspace, user_id=require_person(actor), hint=known)
    if not fresh:
        unchanged()
        return
    record(made, after={"hint": known.value}, label=known.label)


@service("hint.restored")
def restore_hint(*, actor: Actor, hint: str) -> None:
    """Show a help to this person again."""
    require(actor, Permission.MEMBER)
    known = _known(hint)
    held = DismissedHint.objects.filter(user_id=require_person(actor), hint=known).first()
    if held is None:
        unchanged()
        return
    record(held, before={"hint": known.value}, label=known.label)
    held.delete()


def _known(hint: str) -> Hint:
    if hint not in Hint.values:
        raise NotFound("There is no such help.")
    return Hint(hint)
