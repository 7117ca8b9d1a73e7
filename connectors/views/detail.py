"""One source or destination: overview, configuration, activity, and what can be done to it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page, wants_part
from config.ui.listing import Column, Listing
from connectors import access, selectors, services
from connectors.choices import Kind
from connectors.dependants import additions_of, dependants_of
from connectors.forms import FinishForm, SettingsForm, settings_form
from connectors.models import Connection, Source
from connectors.tabs import tabs_of
from connectors.views.base import ConnectionView, write_setup
from governance.audit import events
from governance.audit.models import AuditEntry
from workspaces.favourites import opened
from workspaces.permissions import Permission

ACTIVITY_COLUMNS = [Column("When", fit=True), Column("Who"), Column("What")]


class DetailView(ConnectionView):
    """What the tabs share."""

    def page(
        self, row: Connection, tab: str, template: str, context: dict[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        """Render one tab of a finished connection; an unfinished one goes on with its set-up."""
        if not row.setup_done and access.may_manage(self.here.actor, row):
            return redirect(self.url("setup", row.pk))
        whole = {
            **self.shared(row),
            "star": opened(self.here, self.kind.value, row) if row.setup_done else None,
            "tabs": self._tabs(row, tab),
            "rename_url": self.url("rename", row.pk) if access.may_manage(self.here.actor, row) else "",
            "delete_url": self.url("delete", row.pk),
            "may_manage": access.may_manage(self.here.actor, row),
            "configuration_url": self.url("configuration", row.pk),
            "dependants": dependants_of(self.here.actor, self.kind, row.pk),
            "additions": additions_of(self.here.actor, self.kind, self.here.workspace.slug, row.pk),
            **(context or {}),
        }
        return render_page(self.request, template, whole, status=status)

    def _tabs(self, row: Connection, current: str) -> list[dict[str, Any]]:
        tabs = [("overview", "Overview", ""), ("configuration", "Configuration", "configuration")]
        if self.kind is Kind.SOURCE:
            tabs.append(("schema", "Schema", "schema"))
            if access.can_host_planner(row):
                tabs.append(("sync_logs", "Sync logs", "sync_logs"))
        urls = [(key, label, self.url(name, row.pk)) for key, label, name in tabs]
        slug = self.here.workspace.slug
        urls += [(tab.key, tab.label, reverse(tab.route, args=[slug, row.pk])) for tab in tabs_of(row)]
        urls.append(("activity", "Activity", self.url("activity", row.pk)))
        return [{"label": label, "url": url, "active": key == current} for key, label, url in urls]


class Overview(DetailView):
    """What it is, whether it works, and what is built on it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The overview tab."""
        row = self.row(pk)
        definition = access.definition_of(self.kind, row.type)
        context = {"definition": definition, "acts_as": access.acts_as(row)}
        return self.page(row, "overview", "connectors/overview.html", context)


class Configuration(DetailView):
    """The settings, editable by whoever may change the connection; credentials are never shown."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form with what is stored."""
        row = self.row(pk)
        return self._page(row, self._form(row))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save; the connection is untested until it is tested again."""
        row = self.row(pk, access.MANAGE[self.kind])
        form = self._form(row, request)
        if not form.is_valid():
            return self._page(row, form, 422)
        try:
            changed = self.call(
                self.doors.update, row, values=form.values, timezone=request.POST.get("timezone", row.timezone)
            )
        except Invalid as error:
            form.take_errors(error.fields)
            return self._page(row, form, 422)
        words = "Saved." if changed.health != "untested" else "Saved. Test the connection to see whether it works."
        return go_to(request, self.url("configuration", pk), words)

    def _form(self, row: Connection, request: HttpRequest | None = None) -> SettingsForm:
        fields = access.fields_of(self.kind, row.type)
        sent = (request.POST, request.FILES) if request else (None, None)
        may_manage = access.may_manage(self.here.actor, row)
        offers = self.url("offers", row.pk) if may_manage else ""
        form = settings_form(row, fields, *sent, choices_url=offers)
        if not may_manage:
            for field in form.fields.values():
                field.disabled = True
        return form

    def _page(self, row: Connection, form: SettingsForm, status: int = 200) -> HttpResponse:
        zone = FinishForm(initial={"timezone": row.timezone})["timezone"]
        zone.field.disabled = not access.may_manage(self.here.actor, row)
        context = {"form": form, "zone": zone, **self.setup_sql(row.type, row.config)}
        if isinstance(row, Source) and access.can_host_planner(row):
            context |= {**write_setup(self, row), "move_url": self.url("planner", row.pk)}
        return self.page(row, "configuration", "connectors/configuration.html", context, status)


class Activity(DetailView):
    """What the audit log says of it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The activity tab, newest first."""
        row = self.row(pk)
        listing = Listing(request, columns=ACTIVITY_COLUMNS)
        page = listing.page(selectors.activity_of(row))
        entries = [{"entry": entry, "sentence": _sentence(entry)} for entry in page.rows]
        context = {"listing": listing, "page": page, "entries": entries}
        return self.page(row, "activity", "connectors/activity.html", context)


class Check(ConnectionView):
    """The connection test, wherever its button stands."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run the test; the part shows the outcome in the other side's words."""
        row = self.row(pk, access.USE[self.kind])
        self.call(self.doors.check, row)
        setting_up = "setting_up" in request.POST
        if not wants_part(request):
            return redirect(self.url("setup_test", pk) if setting_up else self.url("", pk))
        context = {
            **self.shared(self.row(pk)),
            "setting_up": setting_up,
            "tested": not setting_up,
            "next_url": self.after_test_url(row),
            "back_url": self.url("setup", pk),
        }
        return render_page(request, "connectors/parts/check.html", context)


class Rename(ConnectionView):
    """The inline rename of the page header."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename and stay on the page."""
        row = self.row(pk, access.MANAGE[self.kind])
        try:
            self.call(self.doors.rename, row, name=request.POST.get("name", ""))
        except Invalid as error:
            return go_to(request, self.url("", pk), error.message, tone="bad")
        return go_to(request, self.url("", pk), "Renamed.")


class Delete(ConnectionView):
    """Removal, after the name was typed."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        row = self.row(pk, access.MANAGE[self.kind])
        if request.POST.get("confirm_name", "").strip() != row.name:
            words = f"Type the name of the {self.kind.value} to delete it."
            return go_to(request, self.url("", pk), words, tone="bad")
        self.call(self.doors.delete, row)
        return go_to(request, self.list_url, f"{self.kind.label} “{row.name}” was deleted.")


class Stop(ConnectionView):
    """The kill switch of a destination."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop everything that is sent to it, or let it go on."""
        row = access.destination_for(self.here.actor, pk, Permission.MANAGE_DESTINATION)
        here = self.url("", pk)
        try:
            if request.POST.get("action") == "release":
                services.release_destination(actor=self.here.actor, destination=row)
                return go_to(request, here, "Syncs send to it again.")
            services.stop_destination(actor=self.here.actor, destination=row, reason=request.POST.get("reason", ""))
        except HeadraceError as error:
            return go_to(request, here, error.message, tone="bad")
        return go_to(request, here, "Stopped. Running syncs end before their next batch.")


def _sentence(entry: AuditEntry) -> str:
    """What happened, completing the actor's name."""
    try:
        return events.get(entry.event).sentence
    except events.UnknownEventType:
        return entry.event
