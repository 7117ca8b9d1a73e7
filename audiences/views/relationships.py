"""How a model belongs to others: the list, and the forms of direct relationships and of ways through them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access, services
from audiences.choices import Cardinality
from audiences.forms.schema import TieForm
from audiences.models import Relationship, SchemaModel
from audiences.paths import paths_between
from audiences.selectors import ties_of
from audiences.selectors.schema import Line
from audiences.views.base import ModelPage, PageView, id_in
from config.errors import HeadraceError, Invalid, NotFound
from config.htmx import go_to, render_page


class RelationshipsPage(ModelPage):
    """The tab with all relationships, read from this model."""

    route = "schema_relationships"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The direct ones, and those that go through others."""
        model = access.schema_model_for(self.actor, pk)
        others = SchemaModel.objects.filter(source=model.source_id, archived_at=None).exclude(pk=pk)
        context = {"has_others": others.exists(), "has_paths": bool(paths_between(model))}
        return self.page(model, "audiences/schema/relationships.html", context)


class NewRelationship(PageView):
    """A relationship between this model and another of its source."""

    relationship: Relationship | None = None
    line: Line | None = None

    def get(self, request: HttpRequest, pk: int, **ids: int) -> HttpResponse:
        """The form; with ``other`` in the address, its columns are offered."""
        model = self._load(pk, **ids)
        return self._page(model, self._form(model))

    def post(self, request: HttpRequest, pk: int, **ids: int) -> HttpResponse:
        """Save it."""
        model = self._load(pk, **ids)
        form = self._form(model, request.POST)
        if form.is_valid():
            try:
                self._save(model, form)
            except Invalid as error:
                form.take(error)
            except HeadraceError as error:
                form.add_error(None, f"{error.message} {error.hint}".strip())
            else:
                return go_to(request, self.url("schema_relationships", pk), "Relationship saved.")
        return self._page(model, form, 422)

    def _load(self, pk: int, **ids: int) -> SchemaModel:
        model = access.schema_model_for(self.actor, pk)
        access.require_configure(self.actor, model.source_id)
        return model

    def _save(self, model: SchemaModel, form: TieForm) -> None:
        services.create_relationship(actor=self.actor, model=model, tie=form.tie())

    def _others(self, model: SchemaModel) -> list[SchemaModel]:
        rows = SchemaModel.objects.filter(source=model.source_id, archived_at=None).exclude(pk=model.pk)
        return list(rows)

    def _form(self, model: SchemaModel, data: Any = None) -> TieForm:
        columns = list(model.columns.filter(missing=False).values_list("name", flat=True))
        others = self._others(model)
        initial = self._initial(model, others)
        return TieForm(data, name=model.name, columns=columns, others=others, initial=initial)

    def _initial(self, model: SchemaModel, others: list[SchemaModel]) -> dict[str, Any]:
        asked = self.request.GET.get("other", "")
        known = {str(other.pk) for other in others}
        return {"other": asked if asked in known else (str(others[0].pk) if others else "")}

    def _page(self, model: SchemaModel, form: TieForm, status: int = 200) -> HttpResponse:
        context = {
            "model": model,
            "form": form,
            "relationship": self.relationship,
            "merged_there": self.line.merged_there if self.line else (),
            "breadcrumb": [
                self.schema_crumb(model.source_id),
                {"label": model.name, "url": self.url("schema_model", model.pk)},
                {"label": "Relationships", "url": self.url("schema_relationships", model.pk)},
            ],
        }
        return render_page(self.request, "audiences/schema/relationship.html", context, status=status)


class EditRelationship(NewRelationship):
    """The same form for a saved relationship, read from this model."""

    def _load(self, pk: int, **ids: int) -> SchemaModel:
        model = super()._load(pk)
        self.line = next((x for x in ties_of(self.actor, model) if x.relationship.pk == ids["relationship_id"]), None)
        if self.line is None or self.line.through:
            raise NotFound("There is no such relationship of this model.")
        self.relationship = self.line.relationship
        return model

    def _initial(self, model: SchemaModel, others: list[SchemaModel]) -> dict[str, Any]:
        assert self.line is not None
        asked = self.request.GET.get("other", "")
        chosen = asked if asked in {str(other.pk) for other in others} else str(self.line.other.pk)
        return {
            "other": chosen,
            "cardinality": Cardinality(self.line.cardinality).value,
            "keys": list(self.line.keys) if chosen == str(self.line.other.pk) else [],
            "merged": list(self.line.merged_here),
            "label": self.line.relationship.name,
        }

    def _save(self, model: SchemaModel, form: TieForm) -> None:
        assert self.relationship is not None
        services.update_relationship(actor=self.actor, relationship=self.relationship, model=model, tie=form.tie())


class NewThrough(PageView):
    """A relationship to a model that others lead to."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The models that can be reached, and the ways to each."""
        return self._page(self._load(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save the chosen way."""
        model = self._load(pk)
        path = [id_in(step) for step in request.POST.get("path", "").split("-")]
        try:
            services.create_through(actor=self.actor, model=model, path=path, name=request.POST.get("label", ""))
        except HeadraceError as error:
            return self._page(model, f"{error.message} {error.hint}".strip(), 422)
        return go_to(request, self.url("schema_relationships", pk), "Relationship saved.")

    def _load(self, pk: int) -> SchemaModel:
        model = access.schema_model_for(self.actor, pk)
        access.require_configure(self.actor, model.source_id)
        return model

    def _page(self, model: SchemaModel, problem: str = "", status: int = 200) -> HttpResponse:
        paths = sorted(paths_between(model), key=lambda path: (path.to.name, len(path.steps), path.key))
        context = {
            "model": model,
            "paths": paths,
            "chosen": self.request.POST.get("path", paths[0].key if paths else ""),
            "problem": problem,
            "breadcrumb": [
                self.schema_crumb(model.source_id),
                {"label": model.name, "url": self.url("schema_model", model.pk)},
                {"label": "Relationships", "url": self.url("schema_relationships", model.pk)},
            ],
        }
        return render_page(self.request, "audiences/schema/through.html", context, status=status)


class DeleteRelationship(PageView):
    """Removal of one relationship."""

    def post(self, request: HttpRequest, pk: int, relationship_id: int) -> HttpResponse:
        """Delete it and go back to the list."""
        relationship = access.relationship_for(self.actor, relationship_id)
        back = self.url("schema_relationships", pk)
        try:
            services.delete_relationship(actor=self.actor, relationship=relationship)
        except HeadraceError as error:
            return go_to(request, back, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, back, "Relationship deleted.")
