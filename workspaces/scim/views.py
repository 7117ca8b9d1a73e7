"""The one view behind all SCIM addresses."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from workspaces.routes import public


@public("the organization's SCIM token decides, see workspaces/scim/http.py")
@csrf_exempt
def scim(request: HttpRequest, kind: str, **ids: str) -> HttpResponse:
    """Answer inside the organization whose token the request carries."""
    # Building the library's models takes the better part of a second, which only who uses SCIM should wait for.
    from workspaces.scim.endpoints import respond

    return respond(request, kind, **ids)
