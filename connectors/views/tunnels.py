"""Settings → SSH tunnels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from connectors import reverse as reverse_tunnels
from connectors import services, tunnels
from connectors.forms import SettingsForm, Shown
from connectors.models import Tunnel
from connectors.sdk.errors import ConnectorError
from connectors.sdk.tunnels import fingerprint
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest

COLUMNS = [
    Column("Status", fit=True),
    Column("Name", sort="name"),
    Column("SSH server", sort="host"),
    Column("Used by", numeric=True),
    Column("Last test", sort="last_checked_at"),
]


class NameForm(forms.Form):
    """What a tunnel is called."""

    name = forms.CharField(
        label="Name",
        max_length=services.MAX_TUNNEL_NAME,
        help_text="As people find it when they set up a connection.",
        error_messages={"required": "Enter a name."},
    )


class TargetForm(forms.Form):
    """A host behind the tunnel that the test is to reach."""

    service_host = forms.CharField(label="Host behind it", max_length=253, required=False)
    service_port = forms.IntegerField(label="Port", min_value=1, max_value=65_535, required=False)

    def clean(self) -> dict[str, Any]:
        """Both or neither."""
        values = super().clean() or {}
        if bool(values.get("service_host")) != bool(values.get("service_port")) and not self.errors:
            self.add_error("service_port", "Give host and port, or neither.")
        return values


class TunnelView(View):
    """What the pages share."""

    request: HttpRequest

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    def url(self, name: str, *args: Any) -> str:
        """The address of a route in this workspace."""
        return reverse(f"connectors:{name}", args=[self.here.workspace.slug, *args])

    def tunnel(self, pk: int) -> Tunnel:
        """The tunnel of the address."""
        return tunnels.tunnel_for(self.here.actor, pk, Permission.MANAGE_WORKSPACE)

    @property
    def crumbs(self) -> list[dict[str, str]]:
        """The way back to the list."""
        return [{"label": "SSH tunnels", "url": self.url("tunnels")}]


class TunnelList(TunnelView):
    """All tunnels, whether they work, and how many connections go through them."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        listing = Listing(request, columns=COLUMNS, order="name")
        page = listing.page(tunnels.tunnels(self.here.actor, listing.query))
        counts = tunnels.counts() if page.rows else {}
        present = reverse_tunnels.presences(page.rows)
        lines = [
            {"tunnel": tunnel, "uses": counts.get(tunnel.pk, 0), "state": _state(tunnel, tunnel.pk in present)}
            for tunnel in page.rows
        ]
        context = {"listing": listing, "page": page, "lines": lines, "reverse_offered": bool(reverse_tunnels.front())}
        return render_page(request, "connectors/tunnels.html", context)


class NewTunnel(TunnelView):
    """A tunnel to be."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form."""
        return self._page(NameForm(), SettingsForm(tunnels.FIELDS))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it, with its key pair, and go on where the key is shown."""
        name, form = NameForm(request.POST), SettingsForm(tunnels.FIELDS, request.POST)
        if not (name.is_valid() & form.is_valid()):
            return self._page(name, form, 422)
        try:
            made = services.create_tunnel(actor=self.here.actor, name=name.cleaned_data["name"], values=form.values)
        except Invalid as error:
            _take(error, name, form)
            return self._page(name, form, 422)
        return go_to(request, self.url("tunnel", made.pk), "Added. Give its public key to the SSH server next.")

    def _page(self, name: NameForm, form: SettingsForm, status: int = 200) -> HttpResponse:
        context = {"name_form": name, "form": form, "breadcrumb": self.crumbs}
        return render_page(self.request, "connectors/new_tunnel.html", context, status=status)


class TunnelPage(TunnelView):
    """One tunnel: its key, its server's key, its test, and who goes through it."""

    def get(self, request: HttpRequest, tunnel_id: int) -> HttpResponse:
        """The page."""
        tunnel = self.tunnel(tunnel_id)
        return self.page(tunnel, NameForm(initial={"name": tunnel.name}), _server_form(tunnel))

    def post(self, request: HttpRequest, tunnel_id: int) -> HttpResponse:
        """Save."""
        tunnel = self.tunnel(tunnel_id)
        name, form = NameForm(request.POST), _server_form(tunnel, request)
        if not (name.is_valid() & (tunnel.is_reverse or form.is_valid())):
            return self.page(tunnel, name, form, status=422)
        try:
            services.update_tunnel(
                actor=self.here.actor,
                tunnel=tunnel,
                name=name.cleaned_data["name"],
                values={} if tunnel.is_reverse else form.values,
            )
        except Invalid as error:
            _take(error, name, form)
            return self.page(tunnel, name, form, status=422)
        except HeadraceError as error:
            return go_to(request, self.url("tunnel", tunnel_id), f"{error.message} {error.hint}", tone="bad")
        return go_to(request, self.url("tunnel", tunnel_id), "Saved.")

    def page(
        self, tunnel: Tunnel, name: NameForm, form: SettingsForm, *, status: int = 200, **more: Any
    ) -> HttpResponse:
        """The page with these forms."""
        users = [{"user": user, "url": self.url(user.kind.value, user.pk)} for user in tunnels.users_of(tunnel.pk)]
        context = {
            "tunnel": tunnel,
            "name_form": name,
            "form": form,
            "target": TargetForm(),
            "users": users,
            "breadcrumb": self.crumbs,
            **(_reverse_context(tunnel) if tunnel.is_reverse else {}),
            **more,
        }
        template = "connectors/reverse_tunnel.html" if tunnel.is_reverse else "connectors/tunnel.html"
        return render_page(self.request, template, context, status=status)


class ServerKey(TunnelPage):
    """The SSH server's host key: looked at, compared by a person, and confirmed."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, tunnel_id: int) -> HttpResponse:
        """Without a key: ask the server for the one it shows. With it: confirm that one."""
        tunnel = self.tunnel(tunnel_id)
        if chosen := request.POST.get("host_key", ""):
            services.confirm_tunnel_server(actor=self.here.actor, tunnel=tunnel, host_key=chosen)
            return go_to(request, self.url("tunnel", tunnel_id), "Confirmed. Test the tunnel next.")
        more: dict[str, Any] = {}
        try:
            key = tunnels.shown_host_key(tunnel)
            more = {"shown_key": key, "shown_fingerprint": fingerprint(key), "shown_type": key.split()[0]}
        except ConnectorError as error:
            more = {"key_error": error}
        return self.page(tunnel, NameForm(initial={"name": tunnel.name}), _server_form(tunnel), **more)


class TestTunnel(TunnelPage):
    """The test button."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, tunnel_id: int) -> HttpResponse:
        """Log in, and reach a host behind the server where one is named."""
        tunnel = self.tunnel(tunnel_id)
        target = TargetForm(request.POST)
        if not target.is_valid():
            name = NameForm(initial={"name": tunnel.name})
            return self.page(tunnel, name, _server_form(tunnel), status=422, target=target)
        tested = services.check_tunnel(
            actor=self.here.actor,
            tunnel=tunnel,
            host=target.cleaned_data["service_host"],
            port=target.cleaned_data["service_port"] or 0,
        )
        if tested.health != "healthy":
            return go_to(request, self.url("tunnel", tunnel_id))
        return go_to(request, self.url("tunnel", tunnel_id), tested.last_check_message)


class ReplaceKey(TunnelView):
    """A new key pair."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, tunnel_id: int) -> HttpResponse:
        """Make it; nothing connects until the server has it."""
        services.replace_tunnel_key(actor=self.here.actor, tunnel=self.tunnel(tunnel_id))
        return go_to(request, self.url("tunnel", tunnel_id), "The tunnel has a new key. Give it to the SSH server.")


class DeleteTunnel(TunnelView):
    """Removal, after confirmation."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, tunnel_id: int) -> HttpResponse:
        """Delete and go back to the list."""
        tunnel = self.tunnel(tunnel_id)
        try:
            services.delete_tunnel(actor=self.here.actor, tunnel=tunnel)
        except HeadraceError as error:
            return go_to(request, self.url("tunnel", tunnel_id), f"{error.message} {error.hint}", tone="bad")
        return go_to(request, self.url("tunnels"), f"“{tunnel.name}” was deleted.")


def _state(tunnel: Tunnel, present: bool) -> tuple[str, str]:
    """A tunnel's status and the vocabulary that it is from."""
    if tunnel.is_reverse:
        return ("connected" if present else "away"), "reverse_tunnel"
    return (tunnel.health if tunnel.host_key else "unconfirmed"), "tunnel"


def _reverse_context(tunnel: Tunnel) -> dict[str, Any]:
    """What the page of a reverse tunnel says besides."""
    presence = reverse_tunnels.presences([tunnel]).get(tunnel.pk)
    return {
        **reverse_tunnels.told(tunnel),
        "presence": presence,
        "connected_since": datetime.fromtimestamp(presence.since, UTC) if presence else None,
        "state": _state(tunnel, presence is not None)[0],
    }


def _server_form(tunnel: Tunnel, request: HttpRequest | None = None) -> SettingsForm:
    config = {name: getattr(tunnel, name) for name in ("host", "port", "username")}
    return SettingsForm(tunnels.FIELDS, request.POST if request else None, shown=Shown(config))


def _take(error: Invalid, name: NameForm, form: SettingsForm) -> None:
    """Put a service's judgement next to the fields it speaks of."""
    if message := error.fields.get("name"):
        name.add_error("name", message)
    form.take_errors({path: words for path, words in error.fields.items() if path != "name"})
