"""Fixed vocabularies of this app."""

from __future__ import annotations

from django.db import models

# First path segments that a workspace slug may not take.
RESERVED_SLUGS = frozenset(
    [
        "accounts",
        "admin",
        "api",
        "app",
        "assets",
        "auth",
        "billing",
        "command",
        "docs",
        "favicon.ico",
        "healthz",
        "help",
        "home",
        "inspector",
        "invitations",
        "legal",
        "login",
        "logout",
        "me",
        "metrics",
        "readyz",
        "new",
        "oauth",
        "organization",
        "palette",
        "profile",
        "robots.txt",
        "scim",
        "settings",
        "signup",
        "sso",
        "static",
        "status",
        "styleguide",
        "support",
        "switch",
        "system",
        "webhooks",
        "welcome",
        "workspaces",
        "www",
    ]
)

INVITATION_DAYS = 30


class RoleKind(models.TextChoices):
    """The pre-built roles, and custom ones whose grants are rows."""

    ADMIN = "admin", "Workspace admin"
    EDITOR = "editor", "Workspace editor"
    DRAFT_EDITOR = "draft_editor", "Workspace draft editor"
    VIEWER = "viewer", "Workspace viewer"
    CUSTOM = "custom", "Custom role"

    @classmethod
    def built_in(cls) -> tuple[RoleKind, ...]:
        """The four that every workspace has from the start."""
        return cls.ADMIN, cls.EDITOR, cls.DRAFT_EDITOR, cls.VIEWER


class Hint(models.TextChoices):
    """The helps that a person can put aside."""

    GET_STARTED = "get-started", "get-started list"


class SsoProtocol(models.TextChoices):
    """How an identity provider speaks."""

    SAML = "saml", "SAML 2.0"
    OIDC = "oidc", "OpenID Connect"
