"""Adding a sync: model, destination, configuration, schedule. Each step has its address, so back loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.errors import HeadraceError, Invalid
from config.htmx import render_page
from config.ui.listing import Column, Listing
from config.ui.search import matching
from connectors import access as connections
from connectors import catalog, discovery, selectors
from connectors.choices import Kind
from connectors.forms import SettingsForm
from connectors.models import Destination
from connectors.sdk.destination import DestinationField, SyncType
from connectors.sdk.fields import Asked, Field, Section, Select
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from syncs import access, services
from syncs.areas import REVERSE_ETL
from syncs.configuration import Proposal, check_proposal, columns_of, definition_of, secret_times
from syncs.configuration_json import read, written
from syncs.drafts import SYNC
from syncs.drafts.state import CONFIGURATION, put_sync_state
from syncs.forms.locking import Locking
from syncs.forms.mapping import with_more_lines
from syncs.forms.syncs import SyncForm
from syncs.locks import Locks, locks_of
from syncs.models import Model, Sync
from syncs.origins import origin_of, sender_of
from syncs.schedules import Schedule
from syncs.sentences import outcome_sentence
from syncs.suggestions import near
from syncs.views.base import PageView
from syncs.views.publication import Publication, for_new, for_sync, leave, revision_of, way_of
from workspaces.access import space_for, spaces_in_view
from workspaces.areas import require_on
from workspaces.models import Space
from workspaces.permissions import Permission
from workspaces.spaces import EVERYONE

STEPS = (("model", "Model"), ("destination", "Destination"), ("configure", "Configuration"), ("schedule", "Schedule"))


MAPPING_HEADINGS = [
    Column("Value"),
    Column("to", hidden_label=True, fit=True),
    Column("Destination field"),
    Column("Match", fit=True),
    Column("Skip nulls", fit=True),
    Column("Remove", hidden_label=True, fit=True),
]
MODEL_COLUMNS = [Column("Name", sort="name")]


class SyncNew(PageView):
    """The first two steps: which model, which destination."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Whatever is not chosen yet."""
        model_id, destination_id = request.GET.get("model", ""), request.GET.get("destination", "")
        if not model_id.isdigit():
            require_on(REVERSE_ETL)
            return self._choose_model(destination_id)
        model = access.model_for(self.actor, int(model_id))
        if not destination_id.isdigit():
            return self._choose_destination(model)
        return redirect(self.url("sync_configure", model.pk, int(destination_id)))

    def _choose_model(self, destination_id: str) -> HttpResponse:
        suffix = f"&destination={destination_id}" if destination_id.isdigit() else ""
        listing = Listing(self.request, columns=MODEL_COLUMNS, order="name")
        page = listing.page(self._models(listing.query))
        rows = [
            {"model": m, "entry": catalog.known_entry(Kind.SOURCE, m.source.type), "url": f"?model={m.pk}{suffix}"}
            for m in page.rows
        ]
        return self._page("syncs/syncs/choose_model.html", "model", rows=rows, listing=listing, page=page)

    def _models(self, query: str) -> QuerySet[Model]:
        return matching(
            access.models_in_view(self.actor).select_related("source"), query, "name", "slug", "source__name"
        )

    def _choose_destination(self, model: Model) -> HttpResponse:
        rows = [
            {
                "destination": d,
                "entry": catalog.known_entry(Kind.DESTINATION, d.type),
                "url": self.url("sync_configure", model.pk, d.pk),
            }
            for d in selectors.destinations()
            if connections.allowed(self.actor, d, Permission.DRAFT_TO_DESTINATION)
        ]
        return self._page("syncs/syncs/choose_destination.html", "destination", rows=rows, model=model)

    def _page(self, template: str, step: str, model: Model | None = None, **context: Any) -> HttpResponse:
        chosen = {"model": (sender_of(self.request, model), model_url(self, model))} if model else {}
        whole = {
            "breadcrumb": [self.crumb("Syncs", "syncs")],
            "steps": steps_of(step, chosen, model),
            "model": model,
            **context,
        }
        return render_page(self.request, template, whole)


class Configure(PageView):
    """The configuration of a new sync, or of a saved one."""

    model: Model
    destination: Destination
    sync: Sync | None = None
    draft: Draft | None = None
    template = "syncs/syncs/configure.html"

    def load(self, *pks: int) -> None:
        """The model and destination of the address."""
        self.model = access.model_for(self.actor, pks[0])
        self.destination = connections.destination_for(self.actor, pks[1], Permission.DRAFT_TO_DESTINATION)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form with what is stored, or with what can be guessed."""
        self.load(*kwargs.values())
        return self._page(self._form(None))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the fields again, offer more lines, or save: the button that was pressed says which."""
        self.load(*kwargs.values())
        action = request.POST.get("action")
        if action == "fields":
            return self._page(self._form(self._as_sent()))
        if action == "suggest":
            return self._suggest()
        if action == "show_json":
            return self._page(self._form(self._as_sent()), as_json=self._json_as_sent())
        if action == "use_json":
            return self._use_json(request.POST.get("json", ""))
        if action == "lines":
            return self._page(self._form(None, data=with_more_lines(request.POST)))
        form = self._form(None, data=request.POST)
        if form.is_valid():
            try:
                sync = self.save(form, way_of(request))
            except HeadraceError as error:
                form.take(error)
            else:
                return self.leave(sync)
        return self._page(form, status=422)

    def _json_as_sent(self) -> str:
        """What is in the form, as text: fields of the destination's own apart from custom ones."""
        sent = self._as_sent()
        return written(self.kind, sent, self._fields(sent["settings"]) if self.kind.custom_fields else ())

    def _suggest(self) -> HttpResponse:
        """The lines as they are, and more for fields and columns of similar names."""
        sent = self._as_sent()
        found = near(self.columns, self._fields(sent["settings"]), sent["mappings"])
        marked = [{**mapping, "suggested": True} for mapping in found]
        form = self._form({**sent, "mappings": [*sent["mappings"], *marked]})
        return self._page(form, suggestions=len(found))

    def _use_json(self, text: str) -> HttpResponse:
        """The form as the text describes it, with every problem by its path; nothing is saved yet."""
        try:
            stored = read(text, self.kind, self._fields(self._settings_as_sent()))
            problems = self._problems(self._settled(stored))
        except Invalid as error:
            paths = [f"{path}: {message}" for path, message in error.fields.items()]
            return self._page(self._form(self._as_sent()), 422, as_json=text, json_problems=paths)
        return self._page(self._form(stored), 422 if problems else 200, as_json=text, json_problems=problems, read=True)

    def _problems(self, stored: dict[str, Any]) -> list[str]:
        """What a save would refuse, by path."""
        try:
            self.check(Proposal(sync_type=self.kind.key, **stored))
        except Invalid as error:
            return [f"{path}: {message}" for path, message in error.fields.items()]
        except HeadraceError as error:
            return [error.message]
        return []

    def check(self, proposal: Proposal) -> None:
        """Raise where a save would."""
        check_proposal(self.model, self.destination, proposal)

    @cached_property
    def locks(self) -> Locks | None:
        """What of the configuration is decided elsewhere."""
        return None

    def locking(self) -> Locking | None:
        """The locks beside the fields."""
        return Locking.shown(self.kind, self.locks) if self.locks else None

    def _settled(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values with what is locked as it has to be."""
        locking = self.locking()
        if locking is None or locking.locks is None or not values:
            return values
        defaults = {"mode": "", "removal": "", "first_run": "", "settings": {}, "mappings": []}
        return locking.settle({**defaults, **values}, locking.locks.wanted.state)

    def save(self, form: SyncForm, way: Way) -> Sync:
        """Create the sync; its schedule is the next step. Where it may need approval it begins as a draft."""
        sync = services.create_sync(
            actor=self.actor,
            model=self.model,
            destination=self.destination,
            proposal=form.proposal(),
            space=self._chosen_space(),
            published=self.publication().direct and self.model.published,
        )
        if (origin := origin_of(sync.model)) and origin.made:
            origin.made(self.request, sync)
        return sync

    def publication(self) -> Publication:
        """What can become of it."""
        may_publish = access.may_configure(self.actor, self.model, self.destination.pk)
        return for_new(self.actor, may_publish=may_publish)

    def _spaces(self) -> list[dict[str, str]]:
        """The choices for who sees a new sync; none where there are no spaces."""
        if self.model.of_audience:
            return []
        spaces = [{"value": str(space.pk), "label": space.name} for space in spaces_in_view(self.actor)]
        return [{"value": "", "label": EVERYONE}, *spaces] if spaces else []

    def _chosen_space(self) -> Space | None:
        chosen = self.request.POST.get("space", "")
        return space_for(self.actor, int(chosen)) if chosen.isdecimal() else None

    def leave(self, sync: Sync) -> HttpResponse:
        """On to the schedule."""
        return redirect(self.url("sync_schedule", sync.pk) + "?new=1")

    def stored(self) -> dict[str, Any]:
        """What the form starts from."""
        return {}

    @property
    def kind(self) -> SyncType:
        """The sync type that the address names, else the first one."""
        kinds = definition_of(self.destination).sync_types
        asked = self.request.GET.get("type", "") if self.may_choose_type else ""
        asked = asked or self.stored().get("sync_type", "")
        return next((kind for kind in kinds if kind.key == asked), kinds[0])

    @property
    def may_choose_type(self) -> bool:
        """Whether another sync type can be chosen."""
        return self.locks is None

    def _form(self, stored: dict[str, Any] | None, *, data: Any = None) -> SyncForm:
        """The form with stored or sent values, and the fields that the destination offers for them."""
        stored = self._settled(self.stored() if stored is None else stored)
        files = self.request.FILES if data is not None else None
        settings = self._settings_as_sent() if data is not None else stored.get("settings", {})
        return SyncForm(
            data,
            files,
            kind=self._kind_for(settings),
            columns=self.columns,
            fields=self._fields(settings),
            choices_url=self._choices_url(),
            stored=stored,
            secret_set_at=self._secret_times(),
            locking=self.locking(),
        )

    def _as_sent(self) -> dict[str, Any]:
        """What was typed, as if it were stored: lines for fields that are still there, everything else as it is."""
        sent, settings = self.request.POST, self._settings_as_sent()
        behaviour = {name: sent[name] for name in ("mode", "removal", "first_run") if name in sent}
        names = {field.name for field in self._fields(settings)}
        form = SyncForm(sent, kind=self._kind_for(settings), columns=self.columns, fields=(), choices_url="")
        lines = [line for line in form.mappings_as_sent() if line["to"] in names or self.kind.custom_fields]
        return self._settled({**behaviour, "settings": settings, "mappings": lines})

    def _settings_as_sent(self) -> dict[str, Any]:
        """What was typed; settings that the destination tells depend on the others, which are read first."""

        def read(kind: SyncType) -> dict[str, Any]:
            return SettingsForm(kind.settings, self.request.POST, self.request.FILES, prefix="settings").values

        return read(self._kind_for(read(self.kind)))

    def _kind_for(self, settings: dict[str, Any]) -> SyncType:
        """The sync type with the settings that the destination tells, as far as it answers."""
        try:
            return discovery.asked_settings(self.destination, self.kind, settings)
        except HeadraceError:  # where it cannot tell them it cannot tell its fields either, which the page says
            return self.kind

    @cached_property
    def columns(self) -> dict[str, str]:
        """The columns that mappings may use."""
        return columns_of(self.model)

    def _fields(self, settings: dict[str, Any]) -> tuple[DestinationField, ...]:
        self.fields_problem: HeadraceError | None = None
        if not self.kind.mapping:
            return ()
        try:
            return tuple(discovery.destination_fields(self.destination, self.kind.key, settings))
        except HeadraceError as error:
            self.fields_problem = error if any(settings.values()) else None
            return ()

    def _secret_times(self) -> dict[str, str]:
        return {}

    def _choices_url(self) -> str:
        url = reverse("connectors:choices", args=[self.here.workspace.slug, self.destination.pk])
        return f"{url}?sync_type={self.kind.key}&prefix=settings"

    def _list_choices(self, form: SyncForm) -> None:
        """Fill the pickers in the page itself, for browsers without scripts (the address says ``?choices``)."""
        values = self._settings_as_sent() if self.request.method == "POST" else self.stored().get("settings", {})
        for path in pickers_of(self.kind.settings):
            declared = discovery.picker(self.kind.settings, path)
            try:
                offered = discovery.choices(self.destination, declared, values)
            except HeadraceError as error:
                form.problems.append(f"{error.message} {error.hint}".strip())
                continue
            widget = form.settings.fields[path].widget
            assert isinstance(widget, forms.Select)
            widget.choices = [("", "Choose"), *((choice.value, choice.label) for choice in offered)]

    def _page(self, form: SyncForm, status: int = 200, **more: Any) -> HttpResponse:
        if "choices" in self.request.GET:
            self._list_choices(form)
        sender = str(self.model) if self.sync else sender_of(self.request, self.model)
        chosen = {
            "model": (sender, model_url(self, self.model)),
            "destination": (str(self.destination), self.url("sync_new") + f"?model={self.model.pk}"),
        }
        kinds = definition_of(self.destination).sync_types if self.may_choose_type else ()
        context = {
            "form": form,
            "kind": self.kind,
            "kinds": [{"label": k.name, "url": f"?type={k.key}", "active": k.key == self.kind.key} for k in kinds],
            "model": self.model,
            "sender": sender,
            "destination": self.destination,
            "sync": self.sync,
            "spaces": [] if self.sync else self._spaces(),
            "chosen_space": self.request.POST.get("space", ""),
            "fields_problem": self.fields_problem,
            "mapping_headings": self.mapping_headings(),
            "locks": self.locks,
            "may_see_rows": access.may_view_rows(self.actor, self.model),
            "value_url": self.value_url(),
            "suggestions": None,
            **more,
            "asked": [f"#section-{each.name}" for each in self.kind.settings if isinstance(each, Asked)],
            "refreshers": [form.settings.add_prefix(path) for path in pickers_of(self.kind.settings)],
            "choices_here": self._address(type=self.kind.key, choices="1"),
            "steps": steps_of("configure", chosen, self.model),
            "breadcrumb": self.breadcrumb(),
            "publication": self.publication(),
            **self.around(),
        }
        return render_page(self.request, self.template, context, status=status)

    def around(self) -> dict[str, Any]:
        """What else the page shows."""
        return {}

    def mapping_headings(self) -> list[Column]:
        """The columns of the mapping."""
        return MAPPING_HEADINGS

    def value_url(self) -> str:
        """The address of the dialog that says where a value comes from."""
        return self.url("mapping_value", self.model.pk, self.destination.pk)

    def _address(self, **params: str) -> str:
        return f"{self.request.path}?{urlencode(params)}"

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back."""
        return [self.crumb("Syncs", "syncs")]


class EditSync(Configure):
    """The same form for a saved sync."""

    def load(self, *pks: int) -> None:
        """The sync of the address, as its draft has it where there is one."""
        live = access.sync_for(self.actor, pks[0])
        access.require_draft(self.actor, live.model, live.destination_id)
        self.draft = open_draft(SYNC, live.pk)
        self.sync = put_sync_state(live, self.draft.proposed) if self.draft else live
        self.model, self.destination = self.sync.model, self.sync.destination

    @cached_property
    def locks(self) -> Locks | None:
        """What the template of the sync decides."""
        assert self.sync is not None
        return locks_of(self.sync)

    def publication(self) -> Publication:
        """What can become of the change."""
        assert self.sync is not None
        return for_sync(self.actor, self.sync)

    def stored(self) -> dict[str, Any]:
        """The saved configuration."""
        assert self.sync is not None
        stored = {name: getattr(self.sync, name) for name in CONFIGURATION}
        if self.locks is not None:
            return {**stored, "sync_type": self.locks.wanted.state["sync_type"]}
        return stored if self.request.GET.get("type", self.sync.sync_type) == self.sync.sync_type else {}

    def save(self, form: SyncForm, way: Way) -> Sync:
        """Change the sync or its draft; where rows would look different, the next run sends them again."""
        assert self.sync is not None
        self.draft = services.change_sync(
            actor=self.actor,
            sync=self.sync,
            change=services.SyncChange(proposal=form.proposal()),
            way=way,
            revision=revision_of(self.request),
        )
        return access.sync_for(self.actor, self.sync.pk)

    def _secret_times(self) -> dict[str, str]:
        assert self.sync is not None
        return secret_times(self.sync) if self.kind.key == self.sync.sync_type else {}

    def leave(self, sync: Sync) -> HttpResponse:
        """Back to the sync."""
        words = "Saved. The next run sends all known rows again." if sync.pending_reprocess else "Saved."
        to, slug = self.url("sync_configuration", sync.pk), self.here.workspace.slug
        return leave(self.request, slug, self.draft, way_of(self.request), to=to, live=words)

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back, by the sync."""
        assert self.sync is not None
        return [self.crumb("Syncs", "syncs"), self.crumb(str(self.sync), "sync", self.sync.pk)]


def model_url(view: PageView, model: Model) -> str:
    """Where another model is chosen; the audience of one that belongs to it."""
    return view.url("sync_new") if not model.of_audience else model.get_absolute_url()


def pickers_of(fields: Sequence[Field], prefix: str = "") -> list[str]:
    """Paths of the settings that the destination lists, such as its tables."""
    found: list[str] = []
    for declared in fields:
        path = prefix + declared.name
        if isinstance(declared, Section):
            found += pickers_of(declared.fields, f"{path}.")
        elif isinstance(declared, Select) and declared.discover:
            found.append(path)
    return found


def steps_of(current: str, chosen: dict[str, tuple[str, str]], model: Model | None = None) -> list[dict[str, str]]:
    """The steps of a new sync, with what was chosen and how to go back to it."""
    first = "Audience" if model is not None and model.of_audience else "Model"
    order = [key for key, _ in STEPS]
    at = order.index(current)
    return [
        {
            "label": first if key == "model" else label,
            "state": "current" if key == current else "done" if order.index(key) < at else "todo",
            "choice": chosen.get(key, ("", ""))[0],
            "url": chosen.get(key, ("", ""))[1],
        }
        for key, label in STEPS
    ]


def sentence_of(sync: Sync, schedule: Schedule | None = None) -> str:
    """What the sync does, by its own schedule or by one that is being typed."""
    return outcome_sentence(sync, schedule or sync.schedule)
