"""Who a password opens the door for."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from workspaces.models import User


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]  # the library ships no types
    """Accounts of Headrace's own; those of an identity provider are opened by it alone, whatever password they have."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        user = super().authenticate(request, **credentials)
        return user if user is None or user.sso_organization_id is None else None
