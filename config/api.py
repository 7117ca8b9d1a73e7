"""What every REST endpoint shares: one error shape, one rate limit, one list shape.

The wire is that of the public Hightouch REST API (camelCase, ids as strings,
``{"data": […]}``), so that existing clients work by changing their base URL.
"""

from __future__ import annotations

import functools
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView
from rest_framework.views import exception_handler as drf_exception_handler

from config.errors import HeadraceError, Invalid
from config.problems import problem_of
from governance.audit.actors import Actor

logger = logging.getLogger(__name__)
M = TypeVar("M", bound=Model)

VALIDATION_FAILED = "Validation failed"


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer every error as ``{"message", "details", "code", "hint"}``."""
    if isinstance(exc, exceptions.ValidationError):
        return _error(422, VALIDATION_FAILED, code="invalid", details=exc.detail)
    if isinstance(exc, Invalid):
        wrong = {wire_path(name, context.get("view")): words for name, words in exc.fields.items()}
        return _error(422, VALIDATION_FAILED, code=exc.code, hint=exc.hint, details=wrong or {"": exc.message})
    if isinstance(exc, HeadraceError):
        return _error(exc.status, exc.message, code=exc.code, hint=exc.hint)
    if (known := problem_of(exc)) is not None:
        return _error(known.status, known.message, code=known.code, hint=known.hint, details=known.details)
    if isinstance(exc, exceptions.APIException | Http404 | PermissionDenied):
        return _known(exc, context)
    logger.error("unhandled error in %s", type(context.get("view")).__name__, exc_info=exc)
    return _error(500, "Internal Server Error", code="internal")


def _known(exc: Exception, context: Mapping[str, Any]) -> Response:
    answer = drf_exception_handler(exc, context)  # type: ignore[arg-type]
    if answer is None:
        return _error(500, "Internal Server Error", code="internal")
    if isinstance(exc, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        message, details = "Authentication error", str(exc.detail)
    else:
        message, details = str(getattr(exc, "detail", "")) or "Not found", ""
    response = _error(answer.status_code, message, code=getattr(exc, "default_code", "error"), details=details)
    for name in ("WWW-Authenticate", "Retry-After"):
        if name in answer.headers:
            response[name] = answer.headers[name]
    return response


def wire_path(name: str, view: Any) -> str:
    """Where the body of a request to this view has the field that a service complains of.

    ``primary_key`` is ``primaryKey``, ``group`` is ``groupId``, and ``sql`` is ``raw.sql`` where the body has it
    inside ``raw``. What the body does not name, such as the settings of a connector, stays as it is.
    """
    asked: type[serializers.Serializer[Any]] | None = getattr(view, "asked", None)
    if asked is None:
        return name
    head, dot, rest = name.partition(".")
    first, *words = head.split("_")
    spelling = first + "".join(map(str.capitalize, words))
    spellings = (head, spelling, f"{spelling}Id")
    fields = asked().fields
    places = [("", fields), *((f"{at}.", inside.fields) for at, inside in fields.items() if hasattr(inside, "fields"))]
    found = (f"{at}{spelt}{dot}{rest}" for at, known in places for spelt in spellings if spelt in known)
    return getattr(asked, "wire_names", {}).get(name) or next(found, name)


def _error(status: int, message: str, *, code: str, details: Any = None, hint: str = "") -> Response:
    body = {"message": message, "details": details or {}, "code": code, "hint": hint}
    return Response(body, status=status)


@dataclass(frozen=True, slots=True)
class Rate:
    """Where a workspace stands in the window: requests allowed, left, and seconds until it ends."""

    limit: int
    left: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """As clients that pace themselves read it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.left),
            "X-RateLimit-Reset": str(self.reset_s),
        }


class WorkspaceThrottle(BaseThrottle):
    """A fixed number of requests in each window, counted together for all keys of a workspace."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        workspace = getattr(request._request, "workspace", None)
        if workspace is None:
            return True
        limit, seconds = parse_rate(settings.API_RATE_LIMIT)
        window = int(time.time()) // seconds
        self._wait = seconds - time.time() % seconds
        key = f"api-rate:{workspace.pk}:{window}"
        cache.add(key, 0, timeout=seconds * 2)
        used = cache.incr(key)
        request._request.rate = Rate(limit, max(0, limit - used), math.ceil(self._wait))  # type: ignore[attr-defined]
        return used <= limit

    def wait(self) -> float:
        """Seconds until the next window."""
        return self._wait


def parse_rate(rate: str) -> tuple[int, int]:
    """``"200/10s"`` as (requests, seconds)."""
    requests, _, window = rate.partition("/")
    return int(requests), int(window.rstrip("s"))


class ListQuery(serializers.Serializer[Any]):
    """Query parameters that every list takes."""

    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=1000)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=10**12)
    orderBy = serializers.CharField(required=False, default="id")
    name = serializers.CharField(required=False)
    slug = serializers.CharField(required=False)

    #: camelCase name → model field; a leading "-" in the query reverses it.
    orderable: Mapping[str, str] = {
        "id": "id",
        "name": "name",
        "slug": "slug",
        "createdAt": "created_at",
        "updatedAt": "updated_at",
    }

    def validate_orderBy(self, value: str) -> str:  # noqa: N802
        field = self.orderable.get(value.removeprefix("-"))
        if field is None:
            raise serializers.ValidationError(f"one of {', '.join(self.orderable)}")
        return f"-{field}" if value.startswith("-") else field


def parse_query(request: Request, serializer: type[ListQuery]) -> dict[str, Any]:
    """The list parameters of a request, validated."""
    query = serializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def list_response(
    rows: QuerySet[M] | Sequence[M], query: Mapping[str, Any], render: Callable[[Iterable[M]], list[dict[str, Any]]]
) -> Response:
    """One page as ``{"data": […], "hasMore": bool}``; ordered by the asked field, then id, so pages never overlap."""
    if isinstance(rows, QuerySet):
        rows = rows.order_by(_order(rows, query["orderBy"]), "id")
    start, limit = query["offset"], query["limit"]
    page = list(rows[start : start + limit + 1])
    return Response({"data": render(page[:limit]), "hasMore": len(page) > limit})


def _order(rows: QuerySet[M], field: str) -> str:
    """The field to order by; refused where these rows lack it, though other lists have it."""
    known = {each.name for each in rows.model._meta.get_fields()} | rows.query.annotations.keys()
    if field.removeprefix("-").partition("__")[0] in known:
        return field
    offered = (wire for wire, name in ListQuery.orderable.items() if name in known)
    raise serializers.ValidationError({"orderBy": f"one of {', '.join(offered)}"})


class LabelsField(serializers.DictField):
    """Labels as a mapping of keys to values; what they may hold is the services' to judge."""

    child = serializers.CharField(allow_blank=True)


def id_text(pk: int | None) -> str | None:
    """An id as the wire has it."""
    return None if pk is None else str(pk)


class BodyTooLarge(exceptions.APIException):
    """The body is larger than the product takes."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body of the request is too large."


class ApiView(APIView):
    """Base of all endpoints: each subclass declares ``permission`` by method."""

    throttle_classes = (WorkspaceThrottle,)
    permission: Mapping[str, Any] = {}
    asked: type[serializers.Serializer[Any]] | None = None  # the shape of this request's body, once it was read

    @property
    def actor(self) -> Actor:
        """Who calls: the API key, with its owner's rights."""
        actor: Actor = self.request._request.actor  # type: ignore[attr-defined]
        return actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is too large before anything reads it: parsers take a body whole."""
        super().initial(request, *args, **kwargs)
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise BodyTooLarge

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Say with every answer how many requests are left."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if rate := getattr(request._request, "rate", None):
            for name, value in rate.headers().items():
                response[name] = value
        return response

    def body(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The request's body, validated.

        ``wire_names`` of a serializer tells which of its fields stand for names of services that they do not resemble.
        """
        self.asked = serializer
        try:
            incoming = serializer(data=self.request.data)
        except RecursionError:
            raise exceptions.ParseError("The body is nested too deeply.") from None
        incoming.is_valid(raise_exception=True)
        return dict(incoming.validated_data)


class ErrorOut(serializers.Serializer[Any]):
    """Every error: what is wrong, where, and what to do next."""

    message = serializers.CharField()
    details = serializers.JSONField()
    code = serializers.CharField()
    hint = serializers.CharField()


def error_answers() -> dict[int, Any]:
    """The error responses that any endpoint may give, for the OpenAPI document."""
    words = {
        401: "No API key, or not a valid one",
        403: "The key's owner may not do this",
        404: "Nothing with this id in the workspace",
        409: "Its state does not allow this now",
        422: VALIDATION_FAILED,
        429: "Over the workspace's rate limit; Retry-After says how many seconds to wait",
    }
    return {status: OpenApiResponse(ErrorOut, description=text) for status, text in words.items()}


@functools.cache  # one component of the document, however many addresses answer with it
def list_of(item: type[serializers.Serializer[Any]]) -> Any:
    """The list shape around one kind of item, for the OpenAPI document."""
    fields = {"data": item(many=True), "hasMore": serializers.BooleanField()}
    return inline_serializer(f"{item.__name__.removesuffix('Out')}List", fields=fields)


@functools.cache
def page_of(item: type[serializers.Serializer[Any]]) -> Any:
    """The shape of a page of rows that are in no table of Headrace's, for the OpenAPI document.

    ``after`` begins the next page, and is empty on the last.
    """
    fields = {"data": item(many=True), "after": serializers.CharField()}
    return inline_serializer(f"{item.__name__.removesuffix('Out')}Page", fields)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes API keys."""

    target_class = "workspaces.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer"}
