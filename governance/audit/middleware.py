"""Gives every request its correlation id and returns it as ``X-Request-Id``."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from governance.audit.context import correlate


class CorrelationMiddleware:
    """One correlation id a request; the caller's own id is not trusted as ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with correlate() as value:
            response = self.get_response(request)
            response["X-Request-Id"] = value
            return response
