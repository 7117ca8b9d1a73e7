"""A person's own account: made, signed in and out, changed."""

from __future__ import annotations

from django.db import models

from config.errors import Denied, Invalid
from config.timezones import timezone_names
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.models import OrganizationMember, User
from workspaces.scoping import unscoped


@service("person.created")
def create_person(*, actor: Actor, email: str, password: str | None, name: str = "", timezone: str = "UTC") -> User:
    """A new account. It opens nothing until its person founds or joins an organization."""
    if User.objects.with_email(email) is not None:
        raise Invalid.field("email", "There is already an account with this e-mail address.")
    with unscoped("a new account belongs to no organization yet"):
        user = User.objects.create_user(email, password, name=name.strip()[:120], timezone=_known_timezone(timezone))
        record(user, after={"email": user.email, "name": user.name})
    return user


@service("person.updated")
def update_profile(*, actor: Actor, user: User, name: str, timezone: str) -> User:
    """Change one's own name and time zone."""
    if not actor.is_system and actor.user_id != user.pk:
        raise Denied("A profile can be changed by its own person only.")
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    before = snapshot(user, ("name", "timezone"))
    user.name, user.timezone = name.strip()[:120], _known_timezone(timezone)
    changed = changes(before, snapshot(user, ("name", "timezone")))
    if not changed:
        unchanged()
        return user
    user.save(update_fields=["name", "timezone"])
    _record_for(user, before=changed.before, after=changed.after)
    return user


@service("session.signed_in")
def sign_in(*, actor: Actor, user: User, method: str = "", address: str = "", browser: str = "") -> None:
    """Remember that a person signed in: how, and from where."""
    _record_for(user, after={"method": method, "address": address, "browser": browser[:200]})


@service("session.signed_out")
def sign_out(*, actor: Actor, user: User) -> None:
    """Remember that a person signed out."""
    _record_for(user)


@service("session.refused")
def refuse_sign_in(*, actor: Actor, user: User, method: str = "", address: str = "") -> None:
    """Remember that someone failed to sign in as this person."""
    _record_for(user, after={"method": method, "address": address})


@service("second_factor.added")
def note_second_factor(*, actor: Actor, user: User, kind: str) -> None:
    """Remember that a person set up one more way to prove who they are."""
    _record_for(user, after={"kind": kind})


@service("second_factor.removed")
def note_lost_second_factor(*, actor: Actor, user: User, kind: str) -> None:
    """Remember that a person removed one of those ways."""
    _record_for(user, before={"kind": kind})


@service("second_factor.renewed")
def note_renewed_codes(*, actor: Actor, user: User, kind: str) -> None:
    """Remember that a person made new recovery codes; the old ones no longer work."""
    _record_for(user, after={"kind": kind})


@service("login.linked")
def note_linked_login(*, actor: Actor, user: User, service_name: str) -> None:
    """Remember that a person may sign in through an account elsewhere."""
    _record_for(user, after={"service": service_name})


@service("login.unlinked")
def note_unlinked_login(*, actor: Actor, user: User, service_name: str) -> None:
    """Remember that an account elsewhere no longer signs the person in."""
    _record_for(user, before={"service": service_name})


@service("password.changed")
def change_password(*, actor: Actor, user: User, password: str) -> None:
    """Set a new password; all other sessions of the person end."""
    user.set_password(password)
    user.save(update_fields=["password"])
    _record_for(user)


@service("email.changed")
def note_new_email(*, actor: Actor, user: User, before: str) -> None:
    """Remember that the account pages changed the address a person signs in with."""
    _record_for(user, before={"email": before}, after={"email": user.email})


def _record_for(user: User, before: dict[str, object] | None = None, after: dict[str, object] | None = None) -> None:
    """Place the entry in the organization the person belongs to (the first joined), so that its admins see it."""
    with unscoped("an account stands outside every workspace"):
        member = OrganizationMember.objects.filter(user=user).order_by("pk").first()
        target: models.Model = member or user
        record(target, before=before, after=after, label=user.email)


def _known_timezone(name: str) -> str:
    if name not in timezone_names():
        raise Invalid.field("timezone", f"There is no time zone “{name}”.")
    return name
