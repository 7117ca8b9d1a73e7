"""Organization → Audit streams."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from config.ui.widgets import RadioCards
from connectors.forms import SettingsForm, Shown
from governance.selectors import chain_of
from notifications import access, services
from notifications.models import AuditStream
from notifications.selectors import streams
from notifications.streams.kinds import KINDS, stream_kind
from notifications.streams.sending import test_stream
from workspaces.models import Organization
from workspaces.requests import WorkspaceRequest

COLUMNS = [
    Column("Status", fit=True),
    Column("Name", sort="name"),
    Column("Kind"),
    Column("Goes to"),
    Column("Entries sent", sort="sent", numeric=True),
    Column("Waiting", numeric=True),
    Column("Last delivery", sort="last_sent_at"),
]


class NameForm(forms.Form):
    """What a stream is called."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Enter a name."})


class NewForm(NameForm):
    """And where it begins."""

    start = forms.ChoiceField(
        label="Begins with",
        choices=[("now", "What happens from now on"), ("start", "Everything that the log holds")],
        initial="now",
        widget=RadioCards(),
    )


class StreamView(View):
    """What the pages share."""

    request: HttpRequest

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    def url(self, name: str, *args: Any) -> str:
        """The address of one of these routes."""
        return reverse(f"notifications:{name}", args=[self.here.workspace.slug, *args])

    @property
    def crumbs(self) -> list[dict[str, str]]:
        """The way back."""
        return [{"label": "Audit streams", "url": self.url("streams")}]

    @property
    def end(self) -> int:
        """Where the chain ends now."""
        chain = chain_of(self.here.workspace.organization_id)
        return chain.sequence if chain else 0


class StreamList(StreamView):
    """All streams: whether they work, and how far behind they are."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        listing = Listing(request, columns=COLUMNS, order="name")
        page = listing.page(streams(self.here.actor, listing.query))
        end = self.end
        lines = [
            {
                "stream": stream,
                "kind": KINDS[stream.kind],
                "target": KINDS[stream.kind].target(stream.config),
                "waiting": max(end - stream.cursor, 0),
            }
            for stream in page.rows
        ]
        context = {"listing": listing, "page": page, "lines": lines, "kinds": KINDS.values()}
        return render_page(request, "notifications/streams/list.html", context)


class NewStream(StreamView):
    """The settings of a stream to be."""

    def get(self, request: HttpRequest, type_key: str) -> HttpResponse:
        """The empty form."""
        kind = stream_kind(type_key)
        return self._page(type_key, NewForm(initial={"name": kind.name}), SettingsForm(kind.fields()))

    def post(self, request: HttpRequest, type_key: str) -> HttpResponse:
        """Add it and go to its page, where it can be tested."""
        kind = stream_kind(type_key)
        name, form = NewForm(request.POST), SettingsForm(kind.fields(), request.POST, request.FILES)
        if not (name.is_valid() & form.is_valid()):
            return self._page(type_key, name, form, 422)
        try:
            stream = services.create_stream(
                actor=self.here.actor,
                organization=Organization.objects.get(pk=self.here.workspace.organization_id),
                kind=kind.key,
                name=name.cleaned_data["name"],
                values=form.values,
                from_start=name.cleaned_data["start"] == "start",
            )
        except Invalid as error:
            _take(error, name, form)
            return self._page(type_key, name, form, 422)
        return go_to(request, self.url("stream", stream.pk), "Added. Send a test to see whether it arrives.")

    def _page(self, type_key: str, name: NewForm, form: SettingsForm, status: int = 200) -> HttpResponse:
        context = {"kind": stream_kind(type_key), "name_form": name, "form": form, "breadcrumb": self.crumbs}
        return render_page(self.request, "notifications/streams/new.html", context, status=status)


class StreamPage(StreamView):
    """One stream: how far it is, and its settings."""

    def get(self, request: HttpRequest, stream_id: int) -> HttpResponse:
        """The page."""
        stream = access.stream_for(self.here.actor, stream_id)
        return self._page(stream, NameForm(initial={"name": stream.name}), _settings(stream))

    def post(self, request: HttpRequest, stream_id: int) -> HttpResponse:
        """Save."""
        stream = access.stream_for(self.here.actor, stream_id)
        name, form = NameForm(request.POST), _settings(stream, request)
        if not (name.is_valid() & form.is_valid()):
            return self._page(stream, name, form, 422)
        try:
            services.update_stream(
                actor=self.here.actor, stream=stream, name=name.cleaned_data["name"], values=form.values
            )
        except Invalid as error:
            _take(error, name, form)
            return self._page(stream, name, form, 422)
        return go_to(request, self.url("stream", stream_id), "Saved.")

    def _page(self, stream: AuditStream, name: NameForm, form: SettingsForm, status: int = 200) -> HttpResponse:
        end = self.end
        context = {
            "stream": stream,
            "kind": stream_kind(stream.kind),
            "target": stream_kind(stream.kind).target(stream.config),
            "end": end,
            "waiting": max(end - stream.cursor, 0),
            "name_form": name,
            "form": form,
            "breadcrumb": self.crumbs,
        }
        return render_page(self.request, "notifications/streams/stream.html", context, status=status)


class StreamAction(StreamView):
    """The buttons of a stream."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, stream_id: int, action: str) -> HttpResponse:
        """Test, pause, resume or delete."""
        actor = self.here.actor
        stream = access.stream_for(actor, stream_id)
        back = self.url("stream", stream_id)
        try:
            if action == "test":
                tested = test_stream(actor=actor, stream=stream)
                return go_to(
                    request,
                    back,
                    tested.last_error or "The test arrived.",
                    tone="bad" if tested.last_error else "good",
                )
            if action == "delete":
                services.delete_stream(actor=actor, stream=stream)
                return go_to(request, self.url("streams"), f"“{stream.name}” was deleted.")
            change = services.resume_stream if action == "resume" else services.pause_stream
            change(actor=actor, stream=stream)
        except HeadraceError as error:
            return go_to(request, back, error.message, tone="bad")
        return go_to(request, back, "Resumed." if action == "resume" else "Paused. Entries wait; none is lost.")


def _settings(stream: AuditStream, request: HttpRequest | None = None) -> SettingsForm:
    sent = (request.POST, request.FILES) if request else (None, None)
    return SettingsForm(stream_kind(stream.kind).fields(), *sent, shown=Shown(stream.config, stream.secret_set_at))


def _take(error: Invalid, name: NameForm, form: SettingsForm) -> None:
    """Put a service's judgement next to the fields it speaks of."""
    if message := error.fields.get("name"):
        name.add_error("name", message)
    form.take_errors({path: words for path, words in error.fields.items() if path != "name"})
