"""Who may open the operator's console. No page and no API does this: a command on the machine does."""

from __future__ import annotations

from config.errors import Denied
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.models import User
from workspaces.scoping import unscoped


@service("person.operator_changed")
def set_operator(*, actor: Actor, user: User, operator: bool) -> User:
    """Let a person into the operator's console, or out of it; only the system's own command may."""
    if not actor.is_system:
        raise Denied("Only the operator's command can do this.", hint="On the machine: manage.py operator EMAIL")
    with unscoped("an operator is one of the installation, not of an organization"):
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if locked.is_operator == operator:
            unchanged()
            return locked
        locked.is_operator = operator
        locked.save(update_fields=["is_operator"])
        record(locked, before={"is_operator": not operator}, after={"is_operator": operator})
    return locked
