"""The one place that decides whether a request gets a whole page or a part of it.

A view renders through :func:`render_page` and leaves through :func:`go_to`;
neither looks at headers itself. Every page works without scripts: the whole
page and the redirect are what a plain browser gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

ToastTone = Literal["good", "warn", "bad", "neutral"]

_LEVELS = {
    "good": messages.SUCCESS,
    "warn": messages.WARNING,
    "bad": messages.ERROR,
    "neutral": messages.INFO,
}


def wants_part(request: HttpRequest) -> bool:
    """Whether the request comes from an element that swaps a part of the page it is on."""
    headers = request.headers
    if headers.get("HX-Request") != "true" or headers.get("HX-History-Restore-Request") == "true":
        return False
    return headers.get("HX-Request-Type", "partial") != "full"


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    part: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render ``template``, or ``part`` (a template in the app's ``parts/`` folder) when only a part is wanted.

    Without a ``part`` the whole page answers both; the element then picks its own piece with ``hx-select``.
    A form with errors answers 422, so that scripts and API-minded clients can tell it from success.
    """
    chosen = part if part and wants_part(request) else template
    response = render(request, chosen, dict(context or {}), status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Request-Type"])
    return response


def go_to(request: HttpRequest, to: str, message: str = "", *, tone: ToastTone = "good") -> HttpResponse:
    """Leave for another page (a URL or a URL name), with a message that the next page shows as a toast."""
    if message:
        messages.add_message(request, _LEVELS[tone], message)
    response = redirect(to)
    if wants_part(request):
        return HttpResponseClientRedirect(response.url)
    return response


def toast(response: HttpResponse, text: str, *, tone: ToastTone = "good") -> HttpResponse:
    """Show a toast when a swapped part arrives; for answers that do not change the page."""
    trigger_client_event(response, "toast", {"text": text, "tone": tone})
    return response
