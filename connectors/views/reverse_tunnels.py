"""Settings → SSH tunnels: those that a client of theirs opens."""

from __future__ import annotations

import base64

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from connectors import reverse, services
from connectors.services import LentKey
from connectors.views.tunnels import NameForm, TunnelView


class NewReverseTunnel(TunnelView):
    """A reverse tunnel to be."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for its name; nothing else is needed."""
        return self._page(NameForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it, and show its private key this one time."""
        form = NameForm(request.POST)
        if not form.is_valid():
            return self._page(form, 422)
        try:
            made = services.create_reverse_tunnel(actor=self.here.actor, name=form.cleaned_data["name"])
        except Invalid as error:
            form.add_error("name", error.fields.get("name", error.message))
            return self._page(form, 422)
        except HeadraceError as error:
            return go_to(request, self.url("tunnels"), f"{error.message} {error.hint}", tone="bad")
        return key_page(self, made)

    def _page(self, form: NameForm, status: int = 200) -> HttpResponse:
        context = {"name_form": form, "breadcrumb": self.crumbs, "front": reverse.front()}
        return render_page(self.request, "connectors/new_reverse_tunnel.html", context, status=status)


class ReplaceReverseKey(TunnelView):
    """A new key pair for a reverse tunnel."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, tunnel_id: int) -> HttpResponse:
        """Make it, and show its private key this one time; the client with the old one is sent away."""
        tunnel = self.tunnel(tunnel_id)
        try:
            made = services.replace_reverse_tunnel_key(actor=self.here.actor, tunnel=tunnel)
        except HeadraceError as error:
            return go_to(request, self.url("tunnel", tunnel_id), f"{error.message} {error.hint}", tone="bad")
        return key_page(self, made)


def key_page(view: TunnelView, made: LentKey) -> HttpResponse:
    """The page with the private key; it is in no other answer."""
    content = base64.b64encode(made.private_key.encode()).decode()
    context = {
        "tunnel": made.tunnel,
        "private_key": made.private_key,
        "download": f"data:application/x-pem-file;base64,{content}",
        "breadcrumb": view.crumbs,
        **reverse.told(made.tunnel),
    }
    answer = render_page(view.request, "connectors/reverse_tunnel_key.html", context)
    answer["Cache-Control"] = "no-store"
    return answer
