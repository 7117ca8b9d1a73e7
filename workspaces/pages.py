"""Errors, as pages and in forms."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader

from config.errors import Denied, HeadraceError, Invalid, NotFound
from governance.audit.context import correlation_id

_TITLES = {403: "Not allowed", 404: "Not found", 409: "Not possible now", 422: "Check the input"}
# The longest time that the account library's limits by address look back.
RETRY_SECONDS = 60
# Errors that have a page of their own outside the shell.
_OUTSIDE = {400, 403, 404}


def error_page(request: HttpRequest, error: HeadraceError) -> HttpResponse:
    """An error as a page, as a fragment for partial updates, or as JSON for whoever asks for it."""
    if request.path_info.startswith("/api/") or request.headers.get("Accept") == "application/json":
        return JsonResponse(error_body(error), status=error.status)
    context = {
        "title": _TITLES.get(error.status, "Something is wrong"),
        "message": error.message,
        "hint": error.hint,
        "fields": error.fields if isinstance(error, Invalid) else {},
        "status": error.status,
    }
    return render(request, _template(request, error.status), context, status=error.status)


def error_body(error: HeadraceError) -> dict[str, object]:
    """The one JSON shape of errors."""
    details = error.fields if isinstance(error, Invalid) else {}
    return {"message": error.message, "details": details, "code": error.code, "hint": error.hint}


def show_errors(form: forms.Form, error: Invalid) -> None:
    """Put a service's judgement next to the fields it speaks of."""
    for name, message in (error.fields or {"": error.message}).items():
        form.add_error(name if name in form.fields else None, message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No route has this address, or a view raised Django's own 404."""
    return error_page(request, NotFound("This page does not exist, or it belongs to a workspace you are not in."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A library refused."""
    return error_page(request, Denied(str(exception) or "This is not allowed."))


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Too many attempts from one address."""
    response = render(request, "errors/429.html", {"seconds": RETRY_SECONDS}, status=429)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request itself is unsound."""
    return error_page(request, HeadraceError("Something in the address or the form was not valid."))


def server_error(request: HttpRequest) -> HttpResponse:
    """A defect: rendered without context processors, as anything may be broken."""
    if request.path_info.startswith("/api/"):
        body = {"message": "Internal Server Error", "details": {}, "code": "internal", "hint": ""}
        return JsonResponse(body, status=500)
    page = loader.get_template("errors/500.html").render({"correlation_id": correlation_id()})
    return HttpResponse(page, status=500)


def _template(request: HttpRequest, status: int) -> str:
    if request.headers.get("HX-Request") == "true":
        return "workspaces/parts/error.html"
    if getattr(request, "workspace", None) is None and status in _OUTSIDE:
        return f"errors/{status}.html"
    return "workspaces/error.html"
