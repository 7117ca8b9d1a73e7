"""How the REST API knows who asks, and what its views must declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.postgres.compiled import Compiled
from workspaces import services
from workspaces.access import may, require
from workspaces.actors import for_api_key
from workspaces.denials import note_refused_key
from workspaces.models import ApiKey, User
from workspaces.permissions import Permission
from workspaces.routes import declaration_of
from workspaces.scoping import unscoped
from workspaces.tokens import digest

if TYPE_CHECKING:  # its import reads the settings that name this module
    from rest_framework.views import APIView

KEYWORD = "Bearer"


# Every call of the API asks it.
_PROVEN = Compiled(
    lambda digest: ApiKey.objects.filter(digest=digest).select_related(
        "owner", "workspace__organization__sign_in_rules"
    )[:1],
    "digest",
)


def key_in(request: HttpRequest, header: str = "Authorization") -> ApiKey | None:
    """The working API key a request carries, with its owner and workspace; its use is remembered, a refusal too."""
    scheme, _, value = request.headers.get(header, "").partition(" ")
    if scheme.lower() != KEYWORD.lower() or not value:
        return None
    with unscoped("the key names the workspace whose scope is entered next"):
        key = _PROVEN.first(digest=digest(value.strip()))
        if key is not None and not (reason := _why_refused(key)):
            services.touch_api_key(key=key, now=timezone.now())
            return key
    note_refused_key(request, key, reason if key else "unknown")
    return None


def _why_refused(key: ApiKey) -> str:
    """Why a key opens nothing; empty for one that does."""
    if key.revoked_at is not None:
        return "revoked"
    if not key.works(timezone.now()):
        return "expired"
    return "its workspace is being deleted" if key.workspace.deleting_at is not None else ""


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer hr_…``; the workspace middleware has already entered the key's scope."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        key: ApiKey | None = getattr(request._request, "api_key", None)
        if key is not None:
            if not may(for_api_key(key), Permission.MEMBER):
                note_refused_key(request._request, key, "its owner has left")
                # The words that clients of this wire shape know: a key never outlives its owner's place.
                raise AuthenticationFailed("No user found")
            return key.owner, key
        if get_authorization_header(request):
            raise AuthenticationFailed("This API key is not valid: it has expired, or it was revoked.")
        return None

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class DenyByDefault(BasePermission):
    """Lets in what the view declares (``permission = {"GET": Permission.X, …}``) and nothing else."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if getattr(request._request, "api_key", None) is None:
            return False
        needed = _needed(view, request.method or "")
        if not needed:
            return False
        require(request._request.actor, needed)  # type: ignore[attr-defined]
        return True


def _needed(view: Any, method: str) -> tuple[Any, ...]:
    declared = getattr(view, "permission", None)
    if isinstance(declared, dict):
        needs = declared.get(method) or (declared.get("GET") if method in ("HEAD", "OPTIONS") else None)
        return needs if isinstance(needs, tuple) else (needs,) if needs else ()
    declaration = declaration_of(type(view))
    return declaration.needed(method) if declaration else ()
