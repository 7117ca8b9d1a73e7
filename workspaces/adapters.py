"""Where the account library meets our services: who may sign up, and how accounts are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from governance.audit.actors import system
from workspaces import services
from workspaces.access import may_found_organization, open_invitation
from workspaces.actors import person
from workspaces.models import Invitation, User

if TYPE_CHECKING:
    from workspaces.forms import SignupForm

INVITATION_KEY = "invitation"


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
