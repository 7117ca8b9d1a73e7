"""One SCIM request: whose it is, what it carries, and errors as SCIM says them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from pydantic import ValidationError
from scim2_models import (
    ConflictException,
    Error,
    ForbiddenException,
    InvalidSyntaxException,
    InvalidValueException,
    NotFoundException,
    PayloadTooLargeException,
    PreconditionFailedException,
    SCIMException,
    UnauthorizedException,
    UniquenessException,
)

from config.api import parse_rate
from config.errors import Conflict, HeadraceError, Invalid, NotFound
from governance.audit.actors import Actor, system
from workspaces import services
from workspaces.entry import check_network, client_address, rules_of
from workspaces.models import Organization, ScimToken
from workspaces.scim.resources import POLICY
from workspaces.scoping import organization_scope, unscoped
from workspaces.services.directory import ForeignAddress
from workspaces.tokens import digest

CONTENT_TYPE = "application/scim+json"
FAILURES_A_MINUTE = 30
Handler = Callable[..., HttpResponse]


class MethodNotAllowed(SCIMException):
    """The address answers to other methods."""

    status = 405
    _default_detail = "This address does not answer to this method."


class TooManyRequests(SCIMException):
    """Somebody asks too often."""

    status = 429
    _default_detail = "Too many requests. Retry-After says how many seconds to wait."


@dataclass(frozen=True, slots=True)
class Call:
    """One request of an organization's identity provider."""

    request: HttpRequest
    organization: Organization

    @property
    def actor(self) -> Actor:
        """Who does what the provider asks for."""
        return system(f"SCIM of {self.organization.name}")

    @property
    def expected(self) -> frozenset[str]:
        """The versions that the caller wants to change; none where any will do."""
        said = self.request.headers.get("If-Match", "").strip()
        if not said or said == "*":
            return frozenset()
        return frozenset(tag.strip().removeprefix("W/").strip('"') for tag in said.split(","))

    def payload(self) -> dict[str, Any]:
        """The body, which must be a JSON object of a bearable size."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if int(self.request.META.get("CONTENT_LENGTH") or 0) > most:
            raise PayloadTooLargeException(detail=f"The body may have {most} bytes.")
        body = self.request.read(most + 1)
        if len(body) > most:
            raise PayloadTooLargeException(detail=f"The body may have {most} bytes.")
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise InvalidSyntaxException(detail=f"The body is not JSON: {error}.") from None
        if not isinstance(found, dict):
            raise InvalidSyntaxException(detail="The body is not a JSON object.")
        if b"\\u0000" in body:
            raise InvalidValueException(detail="The body holds a character that cannot be stored.")
        return found


def answer(request: HttpRequest, handlers: Mapping[str, Handler], **ids: str) -> HttpResponse:
    """Let the handler of the method answer inside the organization whose token the request carries."""
    try:
        token = _token(request)
        _count(token)
        handler = handlers.get(request.method or "")
        if handler is None:
            raise MethodNotAllowed
        rules = rules_of(token.organization)
        if rules is not None and rules.networks_for_scim:
            check_network(request, token.organization)
        with organization_scope(token.organization_id), POLICY:
            return handler(Call(request, token.organization), **ids)
    except (SCIMException, HeadraceError, ValidationError, RecursionError) as error:
        response = _refusal(error)
    if response.status_code == 401:
        response["WWW-Authenticate"] = 'Bearer realm="SCIM"'
    elif response.status_code == 405:
        response["Allow"] = ", ".join(handlers)
    elif response.status_code == 429:
        response["Retry-After"] = "60"
    return response


def reply(document: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """A document on its way."""
    return HttpResponse(orjson.dumps(document), status=status, content_type=CONTENT_TYPE)


def _token(request: HttpRequest) -> ScimToken:
    """The token that a request carries; its use is remembered. Failures are counted for each address.

    A right token is let in however often others failed from the same address: the
    providers of many organizations share theirs.
    """
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    wanted = digest(value.strip())
    with unscoped("the token names the organization whose scope is entered next"):
        token = ScimToken.objects.select_related("organization__sign_in_rules").filter(digest=wanted).first()
        if token is not None and scheme.lower() == "bearer" and constant_time_compare(token.digest, wanted):
            services.touch_scim_token(token=token, now=timezone.now())
            return token
    if _used(f"scim-failures:{client_address(request)}", 60) > FAILURES_A_MINUTE:
        raise TooManyRequests
    raise UnauthorizedException(detail="The SCIM token is missing or not valid: it may have been replaced.")


def _count(token: ScimToken) -> None:
    """The same limit as that of the REST API, for each organization."""
    limit, seconds = parse_rate(settings.API_RATE_LIMIT)
    if _used(f"scim-rate:{token.organization_id}", seconds) > limit:
        raise TooManyRequests


def _used(name: str, seconds: int) -> int:
    """How often this happened in the running window, this time included."""
    key = f"{name}:{int(time.time()) // seconds}"
    cache.add(key, 0, timeout=seconds * 2)
    return int(cache.incr(key))


def _refusal(error: Exception) -> HttpResponse:
    said = _said(error)
    return reply(said.model_dump(), status=said.status or 400)


def _said(error: Exception) -> Error:
    if isinstance(error, ValidationError):
        return Error.from_validation_errors(error)[0]
    if isinstance(error, RecursionError):
        return InvalidSyntaxException(detail="The body is nested too deeply.").to_error()
    if isinstance(error, HeadraceError):
        return _of_the_product(error).to_error()
    assert isinstance(error, SCIMException)
    return error.to_error()


def _of_the_product(error: HeadraceError) -> SCIMException:
    detail = " ".join(part for part in (*getattr(error, "fields", {}).values(), error.hint) if part)
    detail = f"{error.message} {detail}".strip() if error.message not in detail else detail
    if isinstance(error, services.Taken):
        return UniquenessException(detail=detail)
    if isinstance(error, services.Outdated):
        return PreconditionFailedException(detail=detail)
    if isinstance(error, Invalid | ForeignAddress):
        return InvalidValueException(detail=detail)
    if isinstance(error, NotFound):
        return NotFoundException(detail=detail)
    if isinstance(error, Conflict):
        return ConflictException(detail=detail)
    return ForbiddenException(detail=detail)
