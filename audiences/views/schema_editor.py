"""Defining a schema model: a table or query with its preview, then what it is and how it belongs to another."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from audiences import access, services
from audiences.choices import ModelKind
from audiences.forms.schema import KEY_SEPARATOR, SettingsForm, TieForm
from audiences.models import SchemaModel
from audiences.services.models import require_studio, settings_from
from audiences.views.base import PageView, id_in
from config.htmx import go_to
from connectors.sdk.types import Column, ColumnType
from syncs.choices import ModelMethod
from syncs.definitions import Definition, Preview, describe
from syncs.views.model_editor import Editor
from syncs.views.previewing import preview_options

LABELS = {
    ModelKind.PARENT: "Add a parent model",
    ModelKind.RELATED: "Add a related model",
    ModelKind.EVENT: "Add an event",
}


class NewModel(PageView, Editor):
    """The wizard of a new model; ``kind`` and, for one that belongs to another, ``beside`` stand in the address."""

    template = "audiences/schema/editor.html"
    result = "audiences/schema/parts/result.html"
    beside: SchemaModel | None = None

    def load(self, pk: int) -> None:
        """The source of the address, and the model that the new one belongs to."""
        self.source = access.source_to_configure(self.actor, pk)
        require_studio(self.source)
        if asked := id_in(self.request.GET.get("beside", "")):
            self.beside = SchemaModel.objects.filter(pk=asked, source=self.source, archived_at=None).first()

    @property
    def kind(self) -> ModelKind:
        """What is made: without another model it can only be a parent."""
        asked = self.request.GET.get("kind", "")
        if self.beside is None:
            return ModelKind.PARENT
        return ModelKind(asked) if asked in ModelKind.values else ModelKind.RELATED

    @property
    def method(self) -> ModelMethod:
        """A table, unless something else was asked for, sent or is stored."""
        if "sql" in self.request.POST and "sql" in self._declared.methods:
            return ModelMethod.SQL
        if self.stored is None and "method" not in self.request.GET and "table" in self._declared.methods:
            return ModelMethod.TABLE
        return super().method

    def publication(self) -> None:
        """Schemas are live at once."""

    def known_naming(self) -> SettingsForm | None:
        """Of a new model nothing is known before its preview."""
        return None

    def _preview(self, definition: Definition) -> Preview:
        if self._saves:
            return Preview(columns=describe(self.source, definition), rows=None)
        options = preview_options(self.request.POST)
        return services.preview_definition(actor=self.actor, source=self.source, definition=definition, **options)

    def _naming_form(self, preview: Preview, data: Any = None) -> SettingsForm:
        names = [column.name for column in preview.columns]
        tie = None
        if self.beside is not None and self.stored is None:
            guess = {"keys": self._guessed_keys(names)}
            tie = TieForm(
                data, name=self._name(preview), columns=names, others=[self.beside], initial=guess, turned=True
            )
        initial = {**self._named(preview), **self._kept()}
        return SettingsForm(data, kind=self.kind, columns=list(preview.columns), initial=initial, tie=tie)

    def _kept(self) -> dict[str, str]:
        """What was typed before the last preview."""
        sent = self.request.POST
        return {name: sent[name] for name in ("name", "description", "primary_key") if sent.get(name)}

    def _name(self, preview: Preview) -> str:
        return self.request.POST.get("name", "") or str(self._named(preview).get("name", "")) or "the new model"

    def _named(self, preview: Preview) -> dict[str, Any]:
        """A first guess: the table's name, the column that looks like a key, one that tells when."""
        table = self.request.POST.get("table", "").rpartition("\x1f")[2]
        name = table.replace("_", " ").strip().capitalize()
        moments = [c.name for c in preview.columns if c.type in (ColumnType.TIMESTAMP, ColumnType.DATE)]
        return {
            "name": name,
            "primary_key": _likely_key(preview.columns, table),
            "timestamp": moments[0] if moments else "",
            "primary_label": next((c.name for c in preview.columns if c.name in ("name", "full_name", "email")), ""),
        }

    def _guessed_keys(self, names: list[str]) -> list[tuple[str, str]]:
        """Columns that both models have, the other's key first."""
        assert self.beside is not None
        theirs = list(self.beside.columns.values_list("name", flat=True))
        both = [name for name in self.beside.primary_key if name in names]
        both += [name for name in theirs if name in names and name.endswith("_id")]
        return [(both[0], both[0])] if both else []

    def save(self, definition: Definition, values: dict[str, Any]) -> SchemaModel:
        """Add the model, with its relationship; raises ``Invalid`` with the field at fault."""
        return services.create_schema_model(
            actor=self.actor,
            source=self.source,
            kind=self.kind,
            definition=definition,
            settings=settings_from(values),
            tie=values["tie"],
        )

    def saved(self, model: SchemaModel) -> HttpResponse:
        """To the model's columns, which are the next thing to decide."""
        words = f"{model.name} was added. Decide which of its columns marketers see."
        return go_to(self.request, self.url("schema_model", model.pk), words)

    def extras(self, preview: Preview | None, naming: Any) -> dict[str, Any]:
        """What the page says besides."""
        return {
            "kind": self.kind,
            "beside": self.beside,
            "title": LABELS[self.kind],
            "result_template": self.result,
            "cancel_url": f"{self.url('schema')}?source={self.source.pk}",
        }

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back."""
        return [self.schema_crumb(self.source.pk)]

    def steps(self, current: str) -> list[dict[str, str]]:
        """The steps of the wizard, with what was chosen."""
        names = [("source", "Source"), ("define", "Rows"), ("key", "What it is")]
        at = [key for key, _ in names].index(current)
        return [
            {
                "label": label,
                "state": "current" if key == current else "done" if place < at else "todo",
                "choice": self.source.name if key == "source" else "",
                "url": self.url("schema_new") if key == "source" else "",
            }
            for place, (key, label) in enumerate(names)
        ]

    def _schema_url(self, route: str) -> str:
        return reverse(f"connectors:{route}", args=[self.here.workspace.slug, self.source.pk])

    def _method_tabs(self) -> list[dict[str, Any]]:
        """The same address, with the other method."""
        tabs = super()._method_tabs()
        for tab in tabs:
            query = self.request.GET.copy()
            query["method"] = tab["url"].rpartition("=")[2]
            tab["url"] = f"{self.request.path}?{query.urlencode()}"
        return tabs


class EditModel(NewModel):
    """The same editor for the rows of a saved model; what else it is stands on its configuration page."""

    def load(self, pk: int) -> None:
        """The model of the address and its source."""
        self.model = self.stored = access.schema_model_for(self.actor, pk)
        access.require_configure(self.actor, self.model.source_id)
        self.source = self.model.source

    @property
    def kind(self) -> ModelKind:
        """What it is."""
        return ModelKind(self.model.kind)

    def known_naming(self) -> SettingsForm | None:
        """Its settings, among the columns as last read."""
        if self.method != self.model.method:
            return None
        rows = self.model.columns.filter(missing=False)
        columns = tuple(Column(c.name, ColumnType(c.effective_type)) for c in rows)
        return self._naming_form(Preview(columns=columns, rows=None))

    def _named(self, preview: Preview) -> dict[str, Any]:
        return settings_of(self.model)

    def save(self, definition: Definition, values: dict[str, Any]) -> SchemaModel:
        """Change the model."""
        return services.update_schema_model(
            actor=self.actor, model=self.model, settings=settings_from(values), definition=definition
        )

    def saved(self, model: SchemaModel) -> HttpResponse:
        """Back to the model."""
        return go_to(self.request, self.url("schema_model", model.pk), "Model saved.")

    def extras(self, preview: Preview | None, naming: Any) -> dict[str, Any]:
        """What the change loses."""
        there = {column.name for column in preview.columns} if preview else None
        known = self.model.columns.filter(missing=False, enabled=True)
        lost = sorted(c.name for c in known if there is not None and c.name not in there)
        more = {"title": f"Edit {self.model.name}", "lost_columns": lost}
        return {**super().extras(preview, naming), **more, "cancel_url": self.url("schema_model", self.model.pk)}

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back, by the model."""
        here = {"label": self.model.name, "url": self.url("schema_model", self.model.pk)}
        return [self.schema_crumb(self.source.pk), here]


def settings_of(model: SchemaModel) -> dict[str, Any]:
    """What the settings form of a saved model starts with."""
    names = (
        "name",
        "description",
        "timestamp",
        "event_type",
        "primary_label",
        "secondary_label",
        "entity",
        "look_every",
    )
    return {**{name: getattr(model, name) for name in names}, "primary_key": KEY_SEPARATOR.join(model.primary_key)}


def _likely_key(columns: Any, table: str) -> str:
    """The column that is most likely to identify a row: ``id``, then the table's own, then the first ``…_id``."""
    names = [column.name for column in columns]
    single = table.lower().removesuffix("s")
    for wanted in ("id", f"{single}_id", f"{table.lower()}_id"):
        if found := next((name for name in names if name.lower() == wanted), ""):
            return found
    return next((name for name in names if name.lower().endswith("_id")), "")
