"""Setting up a source or destination: type → connection → test → planner → name. Every step is saved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from connectors import access, catalog
from connectors.catalog import VERIFICATION_WORDS, Entry
from connectors.choices import Health
from connectors.forms import FinishForm, SettingsForm, new_settings_form, settings_form
from connectors.models import Connection, Source
from connectors.selectors import free_name
from connectors.views.base import ConnectionView, asks_for_planner
from workspaces.grants import Grant, GrantColumn, asks_for_approval, columns, grants_of_roles
from workspaces.models import Role
from workspaces.permissions import Permission
from workspaces.selectors import roles_to_share_with

MOST_ROLES = 50  # that the last step of a set-up lists; the role editor knows all

STEPS = {"connection": "setup", "test": "setup_test", "planner": "setup_planner", "name": "setup_finish"}


class WizardView(ConnectionView):
    """What the steps share: the row being set up, and the list of steps."""

    def steps(self, current: str, entry: Entry | None = None, row: Connection | None = None) -> list[dict[str, str]]:
        """The steps as ``<c-wizard>`` draws them, with what was chosen."""
        keys = ["type", "connection", "test", "planner", "name"]
        if row is None or not asks_for_planner(row):
            keys.remove("planner")
        if entry is not None and not entry.needs_test:
            keys.remove("test")
        settings = "Settings" if entry is not None and entry.sample else "Connection"
        labels = {"type": "Type", "connection": settings, "test": "Test", "planner": "Planner", "name": "Name"}
        choices = {
            "type": entry.name if entry else "",
            "test": "Passed" if row and row.last_check_ok else "",
            "planner": row.get_planner_display() if isinstance(row, Source) else "",
        }
        position = keys.index(current)
        return [
            {
                "label": labels[key],
                "choice": choices.get(key, "") if number <= position else "",
                "state": "done" if number < position else "current" if number == position else "todo",
                "url": self._step_url(key, row),
            }
            for number, key in enumerate(keys)
        ]

    def _step_url(self, key: str, row: Connection | None) -> str:
        if key == "type":
            return self.url("new") if row is None else ""
        if row is None:
            return ""
        return self.url(STEPS[key], row.pk)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A finished connection has its own pages: the steps lead there."""
        pk = kwargs.get(f"{self.kind.value}_id")
        if pk is not None and self.row(pk).setup_done:
            return redirect(self.url("", pk))
        return super().dispatch(request, *args, **kwargs)

    def unfinished(self, pk: int) -> Connection:
        """The row being set up, for whoever may change it."""
        return self.row(pk, access.MANAGE[self.kind])

    def after_connection(self, row: Connection) -> HttpResponse:
        """On to the test, or straight to the name where nothing can be tested."""
        entry = catalog.entry(self.kind, row.type)
        return redirect(self.url("setup_test", row.pk) if entry.needs_test else self.after_test_url(row))

    def wizard(self, current: str, entry: Entry | None = None, row: Connection | None = None) -> dict[str, Any]:
        """The context of a step."""
        return {
            **self.shared(row),
            "steps": self.steps(current, entry, row),
            "entry": entry,
            "discard_url": self.url("discard", row.pk) if row else "",
        }


LEVELS = Filter.of("level", "How far it was checked", [(key, words) for key, (words, _) in VERIFICATION_WORDS.items()])


class Catalog(WizardView):
    """The first step: the searchable catalogue."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Types by category, samples last."""
        named = [(name, name) for name in catalog.categories(self.kind)]
        filters = [Filter.of("category", "Category", named), LEVELS]
        listing = Listing(request, columns=(), filters=filters)
        found = catalog.groups(
            self.kind, listing.query, within=listing.chosen("category"), levels=listing.chosen("level")
        )
        groups = [
            {"name": g.name, "entries": [{"entry": e, "url": self.url("connect", e.key)} for e in g.entries]}
            for g in found
        ]
        context = {**self.wizard("type"), "groups": groups, "listing": listing, "levels": VERIFICATION_WORDS.values()}
        return render_page(request, "connectors/setup_type.html", context)


class Connect(WizardView):
    """The second step before anything is saved: the settings of a new connection."""

    def get(self, request: HttpRequest, type_key: str) -> HttpResponse:
        """An empty form from the declaration."""
        entry = self._entry(type_key)
        form = new_settings_form(
            access.fields_of(self.kind, entry.key), choices_url=self.url("offers_for_new", type_key)
        )
        return self._page(entry, form)

    def post(self, request: HttpRequest, type_key: str) -> HttpResponse:
        """Save it as unfinished."""
        entry = self._entry(type_key)
        form = self._form(entry, request.POST, request.FILES)
        if not form.is_valid():
            return self._page(entry, form, 422)
        name = free_name(self.model, entry.name)
        try:
            row = self.doors.create(
                actor=self.here.actor, type=entry.key, values=form.values, name=name, setup_done=False
            )
        except Invalid as error:
            form.take_errors(error.fields)
            return self._page(entry, form, 422)
        return self.after_connection(row)

    def _entry(self, type_key: str) -> Entry:
        return catalog.entry(self.kind, type_key)

    def _form(self, entry: Entry, *sent: Any) -> SettingsForm:
        offers = self.url("offers_for_new", entry.key)
        return new_settings_form(access.fields_of(self.kind, entry.key), *sent, choices_url=offers)

    def _page(self, entry: Entry, form: SettingsForm, status: int = 200) -> HttpResponse:
        context = {**self.wizard("connection", entry), "form": form, "back_url": self.url("new")}
        context |= self.setup_sql(entry.key, {})
        return render_page(self.request, "connectors/setup_connection.html", context, status=status)


class Setup(WizardView):
    """The second step of a saved, unfinished connection: coming back changes it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form with what is stored."""
        row = self.unfinished(pk)
        return self._page(
            row, settings_form(row, access.fields_of(self.kind, row.type), choices_url=self.url("offers", pk))
        )

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save and go on."""
        row = self.unfinished(pk)
        form = self._form(row, request.POST, request.FILES)
        if not form.is_valid():
            return self._page(row, form, 422)
        try:
            row = self.call(self.doors.update, row, values=form.values)
        except Invalid as error:
            form.take_errors(error.fields)
            return self._page(row, form, 422)
        return self.after_connection(row)

    def _form(self, row: Connection, *sent: Any) -> SettingsForm:
        return settings_form(row, access.fields_of(self.kind, row.type), *sent, choices_url=self.url("offers", row.pk))

    def _page(self, row: Connection, form: SettingsForm, status: int = 200) -> HttpResponse:
        entry = catalog.known_entry(self.kind, row.type)
        context = {**self.wizard("connection", entry, row), "form": form, "back_url": self.list_url}
        context |= self.setup_sql(row.type, row.config)
        return render_page(self.request, "connectors/setup_connection.html", context, status=status)


class SetupTest(WizardView):
    """The third step: the test starts by itself and must pass."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The outcome so far, and the test itself where there is none."""
        row = self.unfinished(pk)
        entry = catalog.known_entry(self.kind, row.type)
        shared = self.wizard("test", entry, row)
        sign_in = shared["sign_in"]
        context = {
            **shared,
            "setting_up": True,
            "next_url": self.after_test_url(row),
            "back_url": self.url("setup", pk),
            "start": row.health == Health.UNTESTED and (sign_in is None or sign_in.holds),
        }
        return render_page(request, "connectors/setup_test.html", context)


class SetupFinish(WizardView):
    """The last step: a name, and the connection can be used."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A free name to start from."""
        row = self.unfinished(pk)
        return self._page(row, FinishForm(initial={"name": row.name, "timezone": row.timezone}))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Finish, and show the new connection."""
        row = self.unfinished(pk)
        form = FinishForm(request.POST)
        if not form.is_valid():
            return self._page(row, form, 422)
        try:
            values = form.cleaned_data
            shares = self._shares()
            done = self.call(self.doors.finish, row, name=values["name"], timezone=values["timezone"], shares=shares)
            if not catalog.known_entry(self.kind, row.type).needs_test:
                self.call(self.doors.check, done)  # nobody was asked to, and the list should say that it works
        except Invalid as error:
            for name, message in error.fields.items():
                form.add_error(name if name in form.fields else None, message)
            return self._page(row, form, 422)
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._page(row, form, error.status)
        return go_to(request, self.url("", pk), f"{self.kind.label} “{values['name']}” is ready.")

    def _page(self, row: Connection, form: FinishForm, status: int = 200) -> HttpResponse:
        entry = catalog.known_entry(self.kind, row.type)
        before = "setup_planner" if asks_for_planner(row) else "setup_test" if entry.needs_test else "setup"
        back = self.url(before, row.pk)
        context = {**self.wizard("name", entry, row), "form": form, "back_url": back, **self._sharing(row)}
        return render_page(self.request, "connectors/setup_finish.html", context, status=status)

    def _columns(self) -> list[GrantColumn]:
        return columns(self.kind.value, (), together=not asks_for_approval(self.here.workspace))

    def _sharing(self, row: Connection) -> dict[str, Any]:
        """Who can be let in: custom roles, what they hold already ticked and fixed."""
        offered = list(roles_to_share_with()[:MOST_ROLES])
        held, asked = grants_of_roles(offered), self.request.POST.getlist("share")
        shown = self._columns()
        lines = [
            {"role": role, "cells": [self._cell(role, column, held[role.pk], row.pk, asked) for column in shown]}
            for role in offered
        ]
        headings = [Column("Role"), *(Column(column.label, fit=True) for column in shown)]
        return {"share_columns": headings, "share_lines": lines}

    def _cell(self, role: Role, column: GrantColumn, held: set[Grant], pk: int, asked: list[str]) -> dict[str, Any]:
        value = f"{role.pk}:{column.key}"
        fixed = all({Grant(p), Grant(p, pk)} & held for p in column.permissions)
        return {"value": value, "label": column.label, "fixed": fixed, "ticked": fixed or value in asked}

    def _shares(self) -> dict[int, set[Permission]]:
        """The ticked rights, by role; a role that is none here is refused by the service."""
        by_key = {column.key: column.permissions for column in self._columns()}
        shares: dict[int, set[Permission]] = {}
        for value in self.request.POST.getlist("share"):
            role, _, key = value.partition(":")
            if not (role.isascii() and role.isdigit() and len(role) < 19 and key in by_key):
                raise Invalid("Choose rights from the table.")
            shares.setdefault(int(role), set()).update(by_key[key])
        return shares


class Discard(WizardView):
    """Give up a set-up: what was entered is deleted."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete the unfinished row."""
        self.call(self.doors.delete, self.unfinished(pk))
        return go_to(request, self.list_url, "The set-up was discarded.", tone="neutral")
