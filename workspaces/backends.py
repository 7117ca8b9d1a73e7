"""Who a password opens the door for."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from config.postgres.compiled import Compiled
from workspaces.models import User

_ACCOUNT = Compiled(lambda id: User._default_manager.filter(pk=id), "id", open=True)


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]  # the library ships no types
    """Accounts of Headrace's own; those of an identity provider are opened by it alone, whatever password they have."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        user = super().authenticate(request, **credentials)
        return user if user is None or user.sso_organization_id is None else None

    def get_user(self, user_id: int) -> User | None:
        """Who a session belongs to; every page asks."""
        user = _ACCOUNT.first(id=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
