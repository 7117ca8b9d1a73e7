"""Puts sign-ins, sign-outs and e-mail changes, which the account library does itself, into the audit log."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import email_changed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from governance.audit.actors import system
from workspaces import services
from workspaces.actors import person
from workspaces.models import User


@receiver(user_logged_in)
def _signed_in(user: User, **_: Any) -> None:
    services.sign_in(actor=person(user), user=user)


@receiver(user_logged_out)
def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        services.sign_out(actor=person(user), user=user)


@receiver(user_login_failed)
def _refused(credentials: dict[str, Any], **_: Any) -> None:
    """Only for accounts that exist: others belong to nobody's log."""
    email = str(credentials.get("email") or credentials.get("username") or "")
    user = User.objects.filter(email__iexact=email).first()
    if user is not None:
        services.refuse_sign_in(actor=system("sign-in"), user=user)


@receiver(email_changed)
def _email_changed(user: User, from_email_address: Any, **_: Any) -> None:
    before = from_email_address.email if from_email_address else ""
    services.note_new_email(actor=person(user), user=user, before=before)
