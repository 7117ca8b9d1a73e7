"""The demo's endpoint and the page that shows what arrived there."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from config.demo import inbox
from config.htmx import render_page
from workspaces.routes import public

WHY = "the demo's own receiving end; its addresses exist only while the demo runs"


@csrf_exempt
@public(WHY)
@require_http_methods(["HEAD", "POST", "PUT", "PATCH", "DELETE"])
def receive(request: HttpRequest, path: str = "") -> JsonResponse:
    """Take any request and keep it for the inspector; a connection test only looks whether anybody answers."""
    if request.method == "HEAD":
        return JsonResponse({})
    arrival = inbox.keep(
        method=request.method or "",
        path=f"/{path}",
        content_type=request.content_type or "",
        body=request.body.decode(errors="replace"),
    )
    return JsonResponse({"received": arrival.rows, "number": arrival.number})


@public(WHY)
@require_GET
def inspector(request: HttpRequest) -> HttpResponse:
    """Everything that arrived, newest first; updates by itself."""
    context = {"arrivals": inbox.newest(), "totals": inbox.totals()}
    return render_page(request, "demo/inspector.html", context, part="demo/parts/arrivals.html")


@public(WHY)
@require_GET
def arrival(request: HttpRequest, number: int) -> HttpResponse:
    """One request in full."""
    found = inbox.one(number)
    if found is None:
        raise Http404
    return render_page(request, "demo/arrival.html", {"arrival": found}, part="demo/parts/arrival.html")
