"""Settings → Notification channels."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views import View

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from connectors.forms import SettingsForm, Shown
from notifications import access, services
from notifications.channels import TYPES, channel_type
from notifications.models import Channel
from notifications.selectors import channels, deliveries_to
from notifications.sending import send_test
from notifications.usage import uses_of
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest

COLUMNS = [
    Column("Status", fit=True),
    Column("Name", sort="name"),
    Column("Kind", sort="type"),
    Column("Goes to"),
    Column("Used by", numeric=True),
    Column("Last delivery", sort="last_sent_at"),
]
DELIVERY_COLUMNS = [
    Column("Status", fit=True),
    Column("Message"),
    Column("Written"),
    Column("Attempts", numeric=True),
    Column("Actions", fit=True, hidden_label=True),
]


class NameForm(forms.Form):
    """What a channel is called."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        help_text="As people find it when they choose recipients.",
        error_messages={"required": "Enter a name."},
    )


class ChannelView(View):
    """What the pages share."""

    request: HttpRequest

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    def url(self, name: str, *args: Any) -> str:
        """The address of one of this app's routes in this workspace."""
        return reverse(f"notifications:{name}", args=[self.here.workspace.slug, *args])

    def channel(self, pk: int) -> Channel:
        """The channel of the address."""
        return access.channel_for(self.here.actor, pk, Permission.MANAGE_WORKSPACE)

    @property
    def crumbs(self) -> list[dict[str, str]]:
        """The way back to the list."""
        return [{"label": "Notification channels", "url": self.url("channels")}]


class ChannelList(ChannelView):
    """All channels, whether they work, and where they are used."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        listing = Listing(request, columns=COLUMNS, order="name")
        page = listing.page(channels(self.here.actor, listing.query))
        uses = uses_of([channel.pk for channel in page.rows])
        lines = [
            {"channel": c, "kind": TYPES[c.type], "target": TYPES[c.type].target(c.config), "uses": uses[c.pk]}
            for c in page.rows
        ]
        return render_page(request, "notifications/channels.html", {"listing": listing, "page": page, "lines": lines})


class ChooseKind(ChannelView):
    """Which kind of channel to add."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The kinds, with a sentence each."""
        kinds = [{"kind": kind, "url": self.url("channel_new", kind.key)} for kind in TYPES.values()]
        return render_page(request, "notifications/choose_kind.html", {"kinds": kinds, "breadcrumb": self.crumbs})


class NewChannel(ChannelView):
    """The settings of a channel to be."""

    def get(self, request: HttpRequest, type_key: str) -> HttpResponse:
        """The empty form."""
        kind = channel_type(type_key)
        return self._page(type_key, NameForm(initial={"name": kind.name}), SettingsForm(kind.fields))

    def post(self, request: HttpRequest, type_key: str) -> HttpResponse:
        """Add it and go to its page, where it can be tested."""
        kind = channel_type(type_key)
        name, form = NameForm(request.POST), SettingsForm(kind.fields, request.POST, request.FILES)
        if not (name.is_valid() & form.is_valid()):
            return self._page(type_key, name, form, 422)
        try:
            channel = services.create_channel(
                actor=self.here.actor, type=kind.key, name=name.cleaned_data["name"], values=form.values
            )
        except Invalid as error:
            _take(error, name, form)
            return self._page(type_key, name, form, 422)
        return go_to(request, self.url("channel", channel.pk), "Added. Send a test message to see whether it arrives.")

    def _page(self, type_key: str, name: NameForm, form: SettingsForm, status: int = 200) -> HttpResponse:
        context = {"kind": channel_type(type_key), "name_form": name, "form": form, "breadcrumb": self.crumbs}
        return render_page(self.request, "notifications/new_channel.html", context, status=status)


class ChannelPage(ChannelView):
    """One channel: its settings, whether it works, and what was sent to it."""

    def get(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """The page."""
        channel = self.channel(channel_id)
        return self._page(channel, NameForm(initial={"name": channel.name}), _settings(channel))

    def post(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """Save."""
        channel = self.channel(channel_id)
        name, form = NameForm(request.POST), _settings(channel, request)
        if not (name.is_valid() & form.is_valid()):
            return self._page(channel, name, form, 422)
        try:
            services.update_channel(
                actor=self.here.actor, channel=channel, name=name.cleaned_data["name"], values=form.values
            )
        except Invalid as error:
            _take(error, name, form)
            return self._page(channel, name, form, 422)
        return go_to(request, self.url("channel", channel_id), "Saved.")

    def _page(self, channel: Channel, name: NameForm, form: SettingsForm, status: int = 200) -> HttpResponse:
        listing = Listing(self.request, columns=DELIVERY_COLUMNS)
        context = {
            "channel": channel,
            "kind": channel_type(channel.type),
            "name_form": name,
            "form": form,
            "uses": uses_of([channel.pk])[channel.pk],
            "listing": listing,
            "page": listing.page(deliveries_to(channel)),
            "breadcrumb": self.crumbs,
        }
        return render_page(self.request, "notifications/channel.html", context, status=status)


class TestChannel(ChannelView):
    """The test button."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """Send a test message and say what came of it."""
        channel = send_test(actor=self.here.actor, channel=self.channel(channel_id))
        if channel.last_error:
            return redirect(self.url("channel", channel_id))
        return go_to(request, self.url("channel", channel_id), "The test message was delivered.")


class DeleteChannel(ChannelView):
    """Removal, after confirmation."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """Delete and go back to the list."""
        channel = self.channel(channel_id)
        services.delete_channel(actor=self.here.actor, channel=channel)
        return go_to(request, self.url("channels"), f"“{channel.name}” was deleted.")


class RetryNotification(ChannelView):
    """Sending a notification again that was given up."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, notification_id: int) -> HttpResponse:
        """Queue it anew and go back to where it is listed."""
        row = access.notification_for(self.here.actor, notification_id, Permission.MANAGE_WORKSPACE)
        back = self.url("channel", row.channel_id) if row.channel_id else self.url("channels")
        try:
            services.retry_notification(actor=self.here.actor, notification=row)
        except HeadraceError as error:
            return go_to(request, back, error.message, tone="bad")
        return go_to(request, back, "It is sent again.")


def _settings(channel: Channel, request: HttpRequest | None = None) -> SettingsForm:
    sent = (request.POST, request.FILES) if request else (None, None)
    return SettingsForm(channel_type(channel.type).fields, *sent, shown=Shown(channel.config, channel.secret_set_at))


def _take(error: Invalid, name: NameForm, form: SettingsForm) -> None:
    """Put a service's judgement next to the fields it speaks of."""
    if message := error.fields.get("name"):
        name.add_error("name", message)
    form.take_errors({path: words for path, words in error.fields.items() if path != "name"})
