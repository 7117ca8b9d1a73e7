"""What operators do to accounts: who may open their console, which only a command on the machine says, and whom they
shut out."""

from __future__ import annotations

from django.utils import timezone

from config.errors import Conflict, Denied
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces.models import DirectoryPerson, OrganizationMember, User
from workspaces.scoping import unscoped
from workspaces.services.checks import keep_an_admin
from workspaces.services.keys import stop_keys
from workspaces.services.sessions import close_sessions


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


@service("person.barred")
def bar_person(*, actor: Actor, user: User) -> User:
    """Shut a person out of the installation at once, with their sessions and keys; no identity provider undoes it."""
    _only_operators(actor)
    with unscoped("an operator looks after all organizations"):
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if locked.barred_at is not None:
            unchanged()
            return locked
        if locked.is_operator:
            raise Conflict("Operators cannot be shut out.", hint="First: manage.py operator EMAIL --revoke")
        places = list(OrganizationMember.objects.select_for_update(no_key=True).filter(user=locked))
        for place in places:
            keep_an_admin(place)
        locked.barred_at, locked.is_active = timezone.now(), False
        locked.save(update_fields=["barred_at", "is_active"])
        stopped = [name for place in places for name in stop_keys(locked.pk, place.organization_id)]
        record(locked, after={"stopped_keys": stopped, "ended_sessions": close_sessions(locked)})
    return locked


@service("person.admitted")
def readmit_person(*, actor: Actor, user: User) -> User:
    """Let somebody in again whom an operator shut out, unless their identity provider has deactivated them since."""
    _only_operators(actor)
    with unscoped("an operator looks after all organizations"):
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if locked.barred_at is None:
            unchanged()
            return locked
        locked.barred_at = None
        locked.is_active = not DirectoryPerson.objects.filter(user=locked, active=False).exists()
        locked.save(update_fields=["barred_at", "is_active"])
        record(locked, after={"may_sign_in": locked.is_active})
    return locked


def _only_operators(actor: Actor) -> None:
    if not actor.is_system:
        raise Denied("Only the installation's operators can do this.")
