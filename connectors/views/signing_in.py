"""Signing a connection in on the service's own page: there, back, and what can go wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from config.errors import HeadraceError
from config.htmx import go_to, render_page, wants_part
from connectors import access, consents
from connectors.choices import Kind
from connectors.models import Connection
from connectors.services import connect_destination, connect_source, disconnect_destination, disconnect_source
from connectors.views.base import DOORS, ConnectionView
from governance.audit.actors import Actor
from workspaces.access import remembered_grants
from workspaces.actors import person
from workspaces.models import User, Workspace
from workspaces.routes import signed_in
from workspaces.scoping import unscoped, workspace_scope

CONNECT: dict[Kind, Callable[..., Any]] = {Kind.SOURCE: connect_source, Kind.DESTINATION: connect_destination}
DISCONNECT: dict[Kind, Callable[..., Any]] = {Kind.SOURCE: disconnect_source, Kind.DESTINATION: disconnect_destination}
LONGEST_WORDS = 500


def callback_url(request: HttpRequest) -> str:
    """The one address to which every service sends people back; to be registered there."""
    return request.build_absolute_uri(reverse("oauth_callback"))


class Connect(ConnectionView):
    """The button: begins a sign-in and leads to the service's page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """With scripts the browser goes at once; without, a page has the link, as a form may not lead elsewhere."""
        row = self.row(pk, access.MANAGE[self.kind])
        try:
            address = consents.begin(
                actor=self.here.actor,
                connection=row,
                redirect_uri=callback_url(request),
                session_key=request.session.session_key or "",
            )
        except HeadraceError as error:
            return go_to(request, self.url("", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        if wants_part(request):
            return go_to(request, address)
        return render_page(request, "connectors/connect.html", {**self.shared(row), "address": address})


class Disconnect(ConnectionView):
    """Removes the tokens; everything else stays."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Forget them and say so."""
        row = self.row(pk, access.MANAGE[self.kind])
        self.call(DISCONNECT[self.kind], row)
        return go_to(request, self.url("", pk), "The sign-in was removed.", tone="neutral")


@signed_in("the answer of a service belongs to a sign-in that this person began; the row's right is checked then")
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Take a service's answer: exchange the code, keep the tokens, and go back to the connection."""
    assert isinstance(request.user, User)
    actor = person(request.user)
    try:
        pending = consents.take(
            request.GET.get("state", ""), actor=actor, session_key=request.session.session_key or ""
        )
    except consents.AnswerRefused as error:
        return _failed(request, error)
    with workspace_scope(pending.workspace_id), remembered_grants():
        return _answered(request, actor, pending)


def _answered(request: HttpRequest, actor: Actor, pending: consents.Pending) -> HttpResponse:
    kind = Kind(pending.kind)
    row: Connection | None = None
    try:
        row = access.connection_for(access.MODELS[kind], actor, pending.pk, access.MANAGE[kind])
        if said := request.GET.get("error"):
            raise _Refused(said, request.GET.get("error_description", ""))
        tokens = consents.exchange(row, pending, request.GET.dict())
        CONNECT[kind](actor=actor, tokens=tokens, places=pending.places, **{kind.value: row})
    except HeadraceError as error:
        return _failed(request, error, row)
    if not row.setup_done:
        return redirect(_page_of(row, "_setup_test"))
    DOORS[kind].check(actor=actor, **{kind.value: access.connection_for(access.MODELS[kind], actor, row.pk)})
    return go_to(request, _page_of(row), "Signed in.")


class _Refused(HeadraceError):
    """The service, or the person there, said no: an answer as good as any other."""

    status = 200

    def __init__(self, code: str, description: str) -> None:
        words = (f"{code}: {description}" if description else code)[:LONGEST_WORDS]
        denied = code == "access_denied"
        super().__init__(
            "Access was not granted." if denied else "The service refused the sign-in.",
            hint="Nothing was changed. Connect again, and allow access on the service's page."
            if denied
            else "Compare the client ID, the scopes and the redirect address with what is registered there.",
        )
        self.words = words


def _failed(request: HttpRequest, error: HeadraceError, row: Connection | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "message": error.message,
        "hint": error.hint,
        "words": getattr(error, "words", ""),
        "row": row,
        "back": _page_of(row, "" if row.setup_done else "_setup_test") if row else "",
    }
    return render_page(request, "connectors/connect_failed.html", context, status=error.status)


def _page_of(row: Connection, route: str = "") -> str:
    with unscoped("the address of a page names its workspace"):
        slug = Workspace.objects.values_list("slug", flat=True).get(pk=row.workspace_id)
    return reverse(f"connectors:{row.kind.value}{route}", args=[slug, row.pk])
