"""One schema model: its rows, what happened to it and what hangs on it, its settings, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audiences import access, dependants, services
from audiences.choices import ModelKind
from audiences.forms.schema import ConfigurationForm
from audiences.models import SchemaModel
from audiences.services.models import known_columns, settings_from
from audiences.views.base import ModelPage, PageView
from audiences.views.schema_editor import settings_of
from config.errors import Denied, HeadraceError, Invalid, NotFound
from config.htmx import go_to, render_page, wants_part
from governance.audit.actors import Actor
from syncs.views.base import activity_context
from syncs.views.previewing import OPTIONS, headings, preview_options
from workspaces.labels import parse_label

Action = Callable[..., object]
ACTIONS: dict[str, tuple[Action, str]] = {
    "refresh": (services.refresh_schema_columns, "Columns were read again."),
    "look": (services.look_at_values, "Values are being looked at; suggestions are there in a moment."),
    "archive": (services.archive_schema_model, "Archived. Nothing offers it any more; what was set up is kept."),
    "restore": (services.restore_schema_model, "Taken back from the archive."),
}


class RowsPage(ModelPage):
    """The first rows, without what the columns' privacy hides."""

    route = "schema_rows"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab; the rows come when it is open, as the source may be slow."""
        model = access.schema_model_for(self.actor, pk)
        return self.page(model, "audiences/schema/rows.html", {"may_see": self._may_see(model), **OPTIONS})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the source; looking at rows is recorded."""
        model = access.schema_model_for(self.actor, pk)
        context = {"model": model, "may_see": self._may_see(model), **OPTIONS}
        try:
            options = preview_options(request.POST)
            preview = services.preview_schema_model(actor=self.actor, model=model, **options)
        except (Invalid, Denied) as error:
            context["problem"] = error
        else:
            context |= {"preview": preview, "preview_columns": headings(preview.columns)}
        if wants_part(request):
            return render_page(request, "audiences/schema/parts/rows.html", context)
        return self.page(model, "audiences/schema/rows.html", context)

    def _may_see(self, model: SchemaModel) -> bool:
        return access.may_view_rows(self.actor, model)


class ActivityPage(ModelPage):
    """What the audit log says of the model, and what is built on it."""

    route = "schema_activity"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, newest first."""
        model = access.schema_model_for(self.actor, pk)
        context = {
            **activity_context(request, "schema_model", model),
            "dependants": dependants.built_on(self.actor, model),
        }
        return self.page(model, "audiences/schema/activity.html", context)


class ConfigurationPage(ModelPage):
    """Key, labels, time, and how often suggestions are found again."""

    route = "schema_configuration"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form with what is stored."""
        model = access.schema_model_for(self.actor, pk)
        return self._form(model, self._make(model))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save it."""
        model = access.schema_model_for(self.actor, pk)
        form = self._make(model, request.POST)
        if form.is_valid():
            try:
                settings = settings_from(form.values())
                services.update_schema_model(actor=self.actor, model=model, settings=settings)
            except Invalid as error:
                form.take(error)
            else:
                return go_to(request, self.url(self.route, pk), "Saved.")
        return self._form(model, form, 422)

    def _make(self, model: SchemaModel, data: object = None) -> ConfigurationForm:
        return ConfigurationForm(
            data, kind=ModelKind(model.kind), columns=known_columns(model), initial=settings_of(model)
        )

    def _form(self, model: SchemaModel, form: ConfigurationForm, status: int = 200) -> HttpResponse:
        return self.page(model, "audiences/schema/configuration.html", {"form": form}, status=status)


class RenameModel(PageView):
    """The inline rename of the page header."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename and stay on the page."""
        model = access.schema_model_for(self.actor, pk)
        try:
            settings = services.Settings(name=request.POST.get("name", ""))
            services.update_schema_model(actor=self.actor, model=model, settings=settings)
        except HeadraceError as error:
            return go_to(request, self.url("schema_model", pk), error.message, tone="bad")
        return go_to(request, self.url("schema_model", pk), "Renamed.")


class LabelModel(PageView):
    """The labels of a model, as lines of "key: value"."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replace them and go back to the configuration."""
        model = access.schema_model_for(self.actor, pk)
        back = self.url("schema_configuration", pk)
        try:
            lines = request.POST.get("labels", "").splitlines()
            labels = dict(parse_label(line) for line in lines if line.strip())
            services.label_schema_model(
                actor=self.actor, model=model, add=labels, remove=set(model.labels) - set(labels)
            )
        except HeadraceError as error:
            return go_to(request, back, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, back, "Labels saved.")


class ModelAction(PageView):
    """What the menu of a model offers beside editing."""

    def post(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        """Do it and say what came of it."""
        if action not in ACTIONS:
            raise NotFound("There is no such action.")
        model = access.schema_model_for(self.actor, pk)
        do, words = ACTIONS[action]
        try:
            _do(do, self.actor, model)
        except HeadraceError as error:
            return go_to(request, self.url("schema_model", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("schema_model", pk), words)


def _do(action: Action, actor: Actor, model: SchemaModel) -> None:
    action(actor=actor, model=model)


class DeleteModel(PageView):
    """Removal, after the name was typed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the schema."""
        model = access.schema_model_for(self.actor, pk)
        if request.POST.get("confirm_name", "").strip() != model.name:
            return go_to(request, self.url("schema_model", pk), "Type the name of the model to delete it.", tone="bad")
        try:
            services.delete_schema_model(actor=self.actor, model=model)
        except HeadraceError as error:
            return go_to(request, self.url("schema_model", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        back = f"{self.url('schema')}?source={model.source_id}"
        return go_to(request, back, f"“{model.name}” was deleted from the schema.")
