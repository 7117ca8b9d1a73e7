"""Puts what the account library does itself (signing in and out, factors, addresses) into the audit log."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import email_changed
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed, authenticator_reset
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from governance.audit.actors import system
from workspaces import looking, services
from workspaces.actors import person
from workspaces.entry import SEEN_AT, SIGNED_IN_AT, client_address
from workspaces.models import User

KINDS = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


@receiver(user_logged_in)
def _signed_in(user: User, request: HttpRequest, **_: Any) -> None:
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = time.time()
    services.sign_in(
        actor=person(user),
        user=user,
        method=_method(request, user),
        address=_address(request),
        browser=request.headers.get("User-Agent", ""),
    )


@receiver(user_logged_out)
def _signed_out(user: User | None, request: HttpRequest | None = None, **_: Any) -> None:
    if user is not None:
        if request is not None:
            looking.end(request)
        services.sign_out(actor=person(user), user=user)


@receiver(user_login_failed)
def _refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Only for accounts that exist: others belong to nobody's log."""
    email = str(credentials.get("email") or credentials.get("username") or "")
    user = User.objects.with_email(email)
    if user is not None:
        services.refuse_sign_in(actor=system("sign-in"), user=user, method="password", address=_address(request))


@receiver(authentication_failed)
def _code_refused(user: User, request: HttpRequest, **_: Any) -> None:
    services.refuse_sign_in(actor=system("sign-in"), user=user, method="second factor", address=_address(request))


@receiver(authenticator_added)
def _factor_added(user: User, authenticator: Any, **_: Any) -> None:
    services.note_second_factor(actor=person(user), user=user, kind=KINDS.get(authenticator.type, authenticator.type))


@receiver(authenticator_removed)
def _factor_removed(user: User, authenticator: Any, **_: Any) -> None:
    kind = KINDS.get(authenticator.type, authenticator.type)
    services.note_lost_second_factor(actor=person(user), user=user, kind=kind)


@receiver(authenticator_reset)
def _codes_renewed(user: User, authenticator: Any, **_: Any) -> None:
    services.note_renewed_codes(actor=person(user), user=user, kind=KINDS.get(authenticator.type, authenticator.type))


@receiver(social_account_added)
def _login_linked(sociallogin: Any, **_: Any) -> None:
    user = sociallogin.user
    services.note_linked_login(actor=person(user), user=user, service_name=sociallogin.account.provider)


@receiver(social_account_removed)
def _login_unlinked(socialaccount: Any, **_: Any) -> None:
    user = socialaccount.user
    services.note_unlinked_login(actor=person(user), user=user, service_name=socialaccount.provider)


@receiver(email_changed)
def _email_changed(user: User, from_email_address: Any, **_: Any) -> None:
    before = from_email_address.email if from_email_address else ""
    services.note_new_email(actor=person(user), user=user, before=before)


def _method(request: HttpRequest, user: User) -> str:
    """How the person proved who they are: "password", "password + totp", "sso"."""
    records = get_authentication_records(request, user)
    return " + ".join(dict.fromkeys(str(r.get("type") or r.get("provider") or r["method"]) for r in records))


def _address(request: HttpRequest | None) -> str:
    return client_address(request) if request is not None else ""
