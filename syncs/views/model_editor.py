"""Defining a model: choose a source, write a query or choose a table, preview, then name it and choose its key."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from config.errors import Conflict, HeadraceError, Invalid
from config.htmx import go_to, render_page, wants_part
from connectors import access as connections
from connectors import catalog, selectors
from connectors.choices import Kind
from connectors.models import Source
from connectors.sdk.types import Column, ColumnType
from connectors.services import refresh_schema_telling
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from syncs import access, services
from syncs.choices import ModelMethod, PendingReset
from syncs.definitions import Definition, Preview, describe
from syncs.drafts import MODEL
from syncs.drafts.state import described_in, put_model_state
from syncs.forms.models import TABLE_SEPARATOR, DefinitionForm, NamingForm
from syncs.models import Model
from syncs.selectors import dependants_of_key, dependent_syncs, stale_mappings
from syncs.services.models import KeyChange
from syncs.views.base import PageView
from syncs.views.previewing import OPTIONS, headings, preview_options
from syncs.views.publication import (
    SAVES,
    Publication,
    for_model,
    for_new,
    leave,
    revision_of,
    way_of,
)
from workspaces.access import folder_for, may
from workspaces.folders import folder_choices
from workspaces.permissions import CONFIGURE_FROM_SOURCE, Permission

KEY_CHANGES = {"resync": PendingReset.RESYNC, "reset": PendingReset.RESET}


class ChooseSource(PageView):
    """The first step of a new model."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The sources that can be queried."""
        rows = [
            {"source": s, "entry": catalog.known_entry(Kind.SOURCE, s.type), "url": self.url("model_define", s.pk)}
            for s in selectors.sources()
            if connections.allowed(self.actor, s, Permission.DRAFT_FROM_SOURCE)
        ]
        steps = steps_of("source", "", "")
        context = {"rows": rows, "steps": steps, "breadcrumb": [self.crumb("Models", "models")]}
        return render_page(request, "syncs/models/choose_source.html", context)


class Editor(PageView):
    """The page on which a definition is written, previewed and saved."""

    template = "syncs/models/editor.html"
    result = "syncs/models/parts/result.html"
    model: Any = None  # the one that is changed
    stored: Any = None  # the one that the form starts from
    draft: Draft | None = None  # the open draft of the one that is changed
    source: Source

    def load(self, pk: int) -> None:
        """Find the source (and the model, when one is edited) of the address."""
        self.source = connections.source_for(self.actor, pk, Permission.DRAFT_FROM_SOURCE)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The editor with what is stored, or empty."""
        self.load(pk)
        return self._page(self._definition_form(), None, self.known_naming())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read the tables, preview, or save: the button that was pressed says which."""
        self.load(pk)
        if request.POST.get("action") == "tables":
            return self._read_tables()
        form = self._definition_form(request.POST)
        try:
            definition = form.definition()
            preview = self._preview(definition)
        except Invalid as error:
            form.take(error)
            return self._page(form, None, None, status=422)
        naming = self._naming_form(preview, request.POST if self._saves else None)
        if not naming.is_bound:
            return self._page(form, preview, naming)
        if naming.is_valid():
            try:
                return self.saved(self.save(definition, naming.values()))
            except Invalid as error:
                naming.take(error)
            except Conflict as error:
                naming.add_error(None, f"{error.message} {error.hint}".strip())
        return self._page(form, preview, naming, status=422)

    def known_naming(self) -> Any:
        """The name and key before any preview: only a saved model has them, among the columns as last read."""
        if self.stored is None or self.method != self.stored.method:
            return None
        rows = self.stored.columns.filter(missing=False)
        columns = described_in(self.draft.proposed) if self.draft else None
        known = columns or [Column(c.name, ColumnType(c.type)) for c in rows]
        return self._naming_form(Preview(columns=tuple(known), rows=None))

    def saved(self, model: Any) -> HttpResponse:
        """On to the model, or to where reviewers of its draft are chosen."""
        to = self.url("model", model.pk)
        return leave(self.request, self.here.workspace.slug, self.draft, self.way, to=to, live="Model saved.")

    @property
    def way(self) -> Way:
        """What the pressed button says should become of it."""
        return way_of(self.request)

    @property
    def _saves(self) -> bool:
        return self.request.POST.get("action") in SAVES

    def publication(self) -> Publication | None:
        """What can become of it."""
        may_publish = may(self.actor, CONFIGURE_FROM_SOURCE, source_id=self.source.pk)
        return for_new(self.actor, may_publish=may_publish)

    def save(self, definition: Definition, values: dict[str, Any]) -> Any:
        """Create the model, live or as a draft; raises ``Invalid`` with the field at fault."""
        made = services.create_model(
            published=self.way is Way.NOW,
            actor=self.actor,
            source=self.source,
            name=values["name"],
            description=values["description"],
            definition=definition,
            primary_key=values["primary_key"],
            folder=folder_for(int(values["folder"])) if values.get("folder") else None,
        )
        self.draft = open_draft(MODEL, made.pk)
        return made

    def initial(self) -> dict[str, Any]:
        """What the editor starts from."""
        if self.stored is None:
            return {"sql": self.request.GET.get("sql", "")}
        stored = self.stored
        return {"sql": stored.sql, "table": f"{stored.table_schema}{TABLE_SEPARATOR}{stored.table_name}"}

    @property
    def method(self) -> ModelMethod:
        """SQL or table: the tab that is open."""
        asked = self.request.GET.get("method", self.stored.method if self.stored else "")
        offered = [ModelMethod(name) for name in self._declared.methods]
        return ModelMethod(asked) if asked in offered else offered[0]

    @property
    def _declared(self) -> Any:
        return connections.definition_of(Kind.SOURCE, self.source.type)

    def _read_tables(self) -> HttpResponse:
        """Ask the source which tables it has, for the table picker."""
        here = self.request.get_full_path()
        try:
            _, told = refresh_schema_telling(actor=self.actor, source=self.source)
        except HeadraceError as error:
            return go_to(self.request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(self.request, here, told)

    def _preview(self, definition: Definition) -> Preview:
        if self._saves:
            return Preview(columns=describe(self.source, definition), rows=None)
        return services.preview_definition(
            actor=self.actor,
            source=self.source,
            definition=definition,
            **preview_options(self.request.POST),
        )

    def _definition_form(self, data: Any = None) -> DefinitionForm:
        tables = [
            (f"{table.schema}{TABLE_SEPARATOR}{table.name}", str(table)) for table in selectors.tables_of(self.source)
        ]
        return DefinitionForm(
            data,
            method=self.method,
            source=self.source,
            dialect=self._declared.dialect,
            schema_url=self._schema_url("schema_map"),
            tables=tables if self.method is ModelMethod.TABLE else [],
            table_word=self._declared.table_word,
            initial=self.initial(),
        )

    def _naming_form(self, preview: Preview, data: Any = None) -> Any:
        sent = self.request.POST
        kept = {name: sent[name] for name in ("name", "description", "primary_key", "folder") if sent.get(name)}
        initial = {**self._named(preview), **kept}
        return NamingForm(data, columns=list(preview.columns), folders=self.folders(), initial=initial)

    def folders(self) -> list[tuple[int, str]]:
        """Where a new model can be put; one that there is already is moved by its menu."""
        return folder_choices() if self.stored is None else []

    def _named(self, preview: Preview) -> dict[str, Any]:
        if self.stored is not None:
            return {name: getattr(self.stored, name) for name in ("name", "description", "primary_key")}
        ids = [c.name for c in preview.columns if c.name.lower() == "id" or c.name.lower().endswith("_id")]
        return {"primary_key": ids[0] if ids else ""}

    def _schema_url(self, route: str) -> str:
        return reverse(f"connectors:{route}", args=[self.here.workspace.slug, self.source.pk])

    def _page(self, form: DefinitionForm, preview: Preview | None, naming: Any, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "preview": preview,
            "preview_columns": headings(preview.columns) if preview else [],
            "as_part": wants_part(self.request),
            "naming": naming,
            "model": self.model,
            "source": self.source,
            "entry": catalog.known_entry(Kind.SOURCE, self.source.type),
            "methods": self._method_tabs(),
            "samples": self._declared.sample_queries,
            "has_tables": self.source.schema_refreshed_at is not None,
            "schema_panel_url": self._schema_url("source_schema") + "?panel=1",
            "may_see": access.may_view_source_rows(self.actor, self.source.pk),
            "steps": self.steps("key" if naming else "define"),
            "breadcrumb": self.breadcrumb(),
            "publication": self.publication(),
            **OPTIONS,
            **self.extras(preview, naming),
        }
        part = self.result if wants_part(self.request) else ""
        return render_page(self.request, self.template, context, part=part, status=status)

    def steps(self, current: str) -> list[dict[str, str]]:
        """The steps of the wizard."""
        return steps_of(current, self.source.name, self.url("model_new"))

    def extras(self, preview: Preview | None, naming: Any) -> dict[str, Any]:
        """What else the page shows beside the form."""
        return {}

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back."""
        return [self.crumb("Models", "models")]

    def _method_tabs(self) -> list[dict[str, Any]]:
        words = {ModelMethod.SQL: ("SQL query", "code"), ModelMethod.TABLE: (self._declared.table_word, "table-2")}
        return [
            {
                "label": words[ModelMethod(name)][0],
                "icon": words[ModelMethod(name)][1],
                "url": f"{self.request.path}?method={name}",
                "active": name == self.method,
            }
            for name in self._declared.methods
        ]


class EditModel(Editor):
    """The same editor for a saved model."""

    def load(self, pk: int) -> None:
        """The model of the address and its source."""
        self.model = access.defined_model_for(self.actor, pk)
        access.require_model_draft(self.actor, self.model)
        self.source = self.model.source
        self.draft = open_draft(MODEL, pk)
        self.stored = put_model_state(copy(self.model), self.draft.proposed) if self.draft else self.model

    def publication(self) -> Publication:
        """What can become of the change."""
        assert self.model is not None
        return for_model(self.actor, self.model)

    def save(self, definition: Definition, values: dict[str, Any]) -> Model:
        """Change the model or its draft; another key needs the choice of what its syncs do."""
        model = self.model
        assert model is not None
        chosen = KEY_CHANGES.get(self.request.POST.get("reset", ""))
        run_now = "run_now" in self.request.POST
        key_change = KeyChange(reset=chosen, run_now=run_now) if chosen else None
        name, description = values["name"], values["description"]
        if self.way is Way.NOW and self.draft is None:
            return services.update_model(
                actor=self.actor,
                model=model,
                definition=definition,
                primary_key=values["primary_key"],
                key_change=key_change,
                name=name,
                description=description,
            )
        change = services.ModelChange(definition=definition, primary_key=values["primary_key"], key_change=key_change)
        return self._save_draft(model, change, name, description)

    def _save_draft(self, model: Model, change: services.ModelChange, name: str, description: str) -> Model:
        """Keep what needs approval as the model's draft; name and description go live."""
        renamed = (model.name, model.description) != (name.strip(), description.strip())
        if renamed and not self._may_rename(model):
            raise Invalid.field("name", "Name and description go live at once, so changing them takes that right.")
        revision = revision_of(self.request)
        self.draft = services.change_model(
            actor=self.actor, model=model, change=change, way=self.way, revision=revision
        )
        if renamed:
            services.update_model(actor=self.actor, model=model, name=name, description=description)
        return access.defined_model_for(self.actor, model.pk)

    def _may_rename(self, model: Model) -> bool:
        try:
            access.require_model_change(self.actor, model)
        except HeadraceError:
            return False
        return True

    def saved(self, model: Model) -> HttpResponse:
        """Back to the model; after a new key, to its syncs, which say what each of them does next."""
        before = self.model
        assert before is not None
        if self.draft is not None or before.primary_key == model.primary_key:
            return super().saved(model)
        syncs = dependent_syncs(self.actor, model)
        waiting = syncs.exclude(pending_reset=PendingReset.NONE).count()
        running = syncs.count() - waiting
        words = f"Key changed. {running:,} syncs run now, {waiting:,} do so with their next run."
        return go_to(self.request, self.url("model_syncs", model.pk), words)

    def extras(self, preview: Preview | None, naming: NamingForm | None) -> dict[str, Any]:
        """What the change means for the syncs of the model."""
        model = self.model
        assert model is not None
        dependants = dependants_of_key(self.actor, model)
        if naming is None or not dependants:
            return {}
        others = [name for name in naming.column_names if name != model.primary_key]
        chosen = str(naming["primary_key"].value() or "")
        return {
            # The choice shows while another key than the stored one is chosen.
            "resets": {"others": "|".join(others), "hidden": chosen not in others, "syncs": dependants},
            "stale": stale_mappings(self.actor, model, naming.column_names) if preview else (),
            "query_changed": preview is not None and self._differs(model),
        }

    def _differs(self, model: Model) -> bool:
        """Whether what is in the form is another query or table than what is stored."""
        form = self._definition_form(self.request.POST)
        return form.definition() != Definition.of(model)

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back, by the model."""
        assert self.model is not None
        return [self.crumb("Models", "models"), self.crumb(self.model.name, "model", self.model.pk)]


class CloneModel(Editor):
    """The same editor, starting from a saved model, for a copy with the syncs that are chosen."""

    def load(self, pk: int) -> None:
        """The model to copy and its source."""
        self.stored = access.defined_model_for(self.actor, pk)
        self.source = connections.source_for(self.actor, self.stored.source_id, Permission.DRAFT_FROM_SOURCE)

    @property
    def original(self) -> Model:
        """The model to copy."""
        assert isinstance(self.stored, Model)
        return self.stored

    def _named(self, preview: Preview) -> dict[str, Any]:
        return {**super()._named(preview), "name": f"Copy of {self.original.name}"[:200]}

    def save(self, definition: Definition, values: dict[str, Any]) -> Model:
        """Make the copy, and those of the syncs that were ticked."""
        ticked = set(self.request.POST.getlist("syncs"))
        self.clone = services.clone_model(
            actor=self.actor,
            model=self.original,
            name=values["name"],
            description=values["description"],
            definition=definition,
            primary_key=values["primary_key"],
            syncs=[sync for sync in dependent_syncs(self.actor, self.original) if str(sync.pk) in ticked],
        )
        return self.clone.of

    def saved(self, model: Model) -> HttpResponse:
        """To the copy; what could not be copied is said."""
        clone = self.clone
        if clone.failed:
            sync, words = clone.failed[0]
            said = f"The model was copied. {len(clone.failed):,} of its syncs were not, such as {sync}: {words}"
            return go_to(self.request, self.url("model_syncs", model.pk), said, tone="warn")
        count = len(clone.syncs)
        words = f" with {count:,} sync{'s' if count != 1 else ''}. Their schedules are off" if count else ""
        return go_to(self.request, self.url("model_syncs" if count else "model", model.pk), f"Model copied{words}.")

    def extras(self, preview: Preview | None, naming: NamingForm | None) -> dict[str, Any]:
        """The syncs that can be copied along."""
        ticked = set(self.request.POST.getlist("syncs"))
        lines = [
            {"sync": sync, "ticked": str(sync.pk) in ticked}
            for sync in dependent_syncs(self.actor, self.original)
            if access.may_configure(self.actor, self.original, sync.destination_id)
        ]
        return {"original": self.original, "clone_syncs": lines}

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back, by the original."""
        return [self.crumb("Models", "models"), self.crumb(self.original.name, "model", self.original.pk)]


def steps_of(current: str, source: str, back: str) -> list[dict[str, str]]:
    """The steps of a new model, with what was chosen."""
    names = [("source", "Source"), ("define", "Query"), ("key", "Name and key")]
    order = [key for key, _ in names]
    at = order.index(current)
    return [
        {
            "label": label,
            "state": "current" if key == current else "done" if order.index(key) < at else "todo",
            "choice": source if key == "source" else "",
            "url": back if key == "source" else "",
        }
        for key, label in names
    ]
