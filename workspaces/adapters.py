"""Where the account library meets our services: who may sign up, how accounts are written, and when to come back."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse

from config.htmx import go_to
from config.sealing import seal, unseal
from governance.audit.actors import system
from workspaces import services
from workspaces.access import may_found_organization, open_invitation
from workspaces.actors import person
from workspaces.models import Invitation, User

if TYPE_CHECKING:
    from workspaces.forms import SignupForm

INVITATION_KEY = "invitation"
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens on it


def invitation_of(request: HttpRequest) -> Invitation | None:
    """The open invitation whose link this visitor followed."""
    token = request.session.get(INVITATION_KEY)
    return open_invitation(token) if token else None


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the library ships no types
    """Sign-up is open for the first person and for invited ones; writes go through services."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return may_found_organization() or invitation_of(request) is not None

    def save_user(self, request: HttpRequest, user: User, form: SignupForm, commit: bool = True) -> User:
        """Make the account, then join the inviting organization or found a new one."""
        data: dict[str, Any] = form.cleaned_data
        made = services.create_person(
            actor=system("sign-up"),
            email=data["email"],
            password=data["password1"],
            name=data["name"],
            timezone=data["timezone"],
        )
        if form.invitation is not None:
            services.accept_invitation(actor=person(made), token=request.session.pop(INVITATION_KEY))
        else:
            services.create_organization(
                actor=person(made), owner=made, name=data["organization"], workspace_name=data["workspace"]
            )
        return made

    def set_password(self, user: User, password: str) -> None:
        services.change_password(actor=person(user), user=user, password=password)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address; one that is on nobody's list where the connection has none."""
        try:
            return str(super().get_client_ip(request))
        except PermissionDenied:
            return NO_ADDRESS

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse after too many failures, and say when to come back; the same words whether there is an account."""
        key = self._get_login_attempts_cache_key(request, **credentials)
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            raise ValidationError(locked_words(wait_for("login_failed", request, key))) from None

    def pre_login(self, request: HttpRequest, user: User, **hooks: Any) -> HttpResponse | None:
        """Accounts of an identity provider are opened by it alone: no passkey, reset link or account elsewhere does."""
        if user.sso_organization_id is None:
            return super().pre_login(request, user, **hooks)  # type: ignore[no-any-return]
        services.refuse_sign_in(
            actor=system("sign-in"), user=user, method="own sign-in", address=self.get_client_ip(request)
        )
        return go_to(
            request, "sso", "This account is opened by your organization's identity provider only.", tone="warn"
        )

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """By way of the identity provider, for who came from it and where it knows of signing out."""
        from workspaces.sso.logout_views import way_out

        return way_out(request) or str(super().get_logout_redirect_url(request))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Failures are recorded by the signal that Django sends."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # the library ships no types
    """Second factors: their secrets are encrypted, and asked-for ones stay."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return "Headrace"

    def _get_site_name(self) -> str:
        return "Headrace"


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # the library ships no types
    """Google and Microsoft: they vouch for an address only where both sides have proven it."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """The first person, and those whom an invitation names by the address that the service has proven."""
        invitation = invitation_of(request)
        if invitation is not None:
            return invitation.email in _proven(sociallogin)
        return may_found_organization()

    def authenticate_by_email(self, sociallogin: Any) -> tuple[User, str] | None:
        """An account with the same address, if it was confirmed here too: a stranger may have signed up with it."""
        for email in _proven(sociallogin):
            user = User.objects.with_email(email)
            if user and user.emailaddress_set.filter(email__iexact=email, verified=True).exists():  # type: ignore[attr-defined]
                return user, email
        return None

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Make the account through our services, and join the inviting organization."""
        made = services.create_person(
            actor=system("sign-up"), email=sociallogin.user.email, password=None, name=_name(sociallogin)
        )
        sociallogin.user = made
        sociallogin.save(request)
        if invitation_of(request) is not None:
            services.accept_invitation(actor=person(made), token=request.session.pop(INVITATION_KEY))
        return made


def _proven(sociallogin: Any) -> list[str]:
    return [address.email.lower() for address in sociallogin.email_addresses if address.verified]


def _name(sociallogin: Any) -> str:
    common = sociallogin.account.get_provider().extract_common_fields(sociallogin.account.extra_data)
    return str(sociallogin.account.extra_data.get("displayName") or "") or " ".join(
        str(common.get(part) or "") for part in ("first_name", "last_name")
    )


def wait_for(action: str, request: HttpRequest, key: str | None = None) -> int:
    """Seconds until the account library takes another attempt."""
    now, waits = time.time(), [0.0]
    for rate in ratelimit.get_rates(app="allauth.account", action=action):
        history = cache.get(
            ratelimit.get_cache_key(request, app="allauth.account", action=action, rate=rate, key=key), []
        )
        if len(history) >= rate.amount:
            waits.append(history[rate.amount - 1] + rate.duration - now)
    return math.ceil(max(waits))


def locked_words(seconds: int) -> str:
    """Too many attempts, and when the next one counts."""
    minutes = max(1, math.ceil(seconds / 60))
    return f"Too many failed attempts. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}."
