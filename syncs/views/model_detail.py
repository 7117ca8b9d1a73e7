"""One model: its query, rows, columns, the syncs that use it, and what happened to it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError, Invalid
from config.htmx import ToastTone, go_to, render_page, toast, wants_part
from config.ui.listing import Column
from connectors import access as connections
from connectors import catalog
from connectors.choices import Kind
from connectors.sdk.types import ColumnType
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from syncs import access, services
from syncs.drafts import MODEL
from syncs.drafts.state import drafted_columns, state_of
from syncs.models import Model
from syncs.selectors import dependent_syncs, stale_mappings
from syncs.views.base import PageView, activity_context, sync_pill
from syncs.views.previewing import OPTIONS, headings, preview_options
from syncs.views.publication import for_model, revision_of
from workspaces.access import may
from workspaces.favourites import opened
from workspaces.permissions import CONFIGURE_FROM_SOURCE, Permission

TABS = (
    ("model", "Query"),
    ("model_rows", "Rows"),
    ("model_columns", "Columns"),
    ("model_syncs", "Syncs"),
    ("model_versions", "Versions"),
    ("model_activity", "Activity"),
)
NO_CASTS = (ColumnType.REFERENCE, ColumnType.UNKNOWN)
CASTS = [(kind.value, kind.value.capitalize()) for kind in ColumnType if kind not in NO_CASTS]
ADD_SYNC = (Permission.DRAFT_FROM_SOURCE, Permission.DRAFT_TO_DESTINATION)
COLUMN_HEADINGS = [
    Column("Use", fit=True),
    Column("Column"),
    Column("Type"),
    Column("In the source"),
    Column("Description"),
]


class ModelPage(PageView):
    """What the tabs share."""

    route = "model"

    def page(
        self, model: Model, template: str, context: dict[str, Any] | None = None, *, part: str = ""
    ) -> HttpResponse:
        """Render one tab."""
        may_change = self._may_change(model)
        publication = for_model(self.actor, model)
        counts = {"model_columns": model.columns.count(), "model_syncs": dependent_syncs(self.actor, model).count()}
        tabs = [
            {"label": words, "url": self.url(name, model.pk), "active": name == self.route, "count": counts.get(name)}
            for name, words in TABS
        ]
        whole = {
            "model": model,
            "star": opened(self.here, "model", model),
            "entry": catalog.known_entry(Kind.SOURCE, model.source.type),
            "tabs": tabs,
            "breadcrumb": [self.crumb("Models", "models")],
            "may_change": may_change,
            "may_edit": access.may_draft_model(self.actor, model),
            "publication": publication,
            "draft": publication.draft,
            "may_clone": may(self.actor, CONFIGURE_FROM_SOURCE, source_id=model.source_id),
            "may_sync": may(self.actor, ADD_SYNC, source_id=model.source_id),
            "rename_url": self.url("model_rename", model.pk) if may_change else "",
            **(context or {}),
        }
        return render_page(self.request, template, whole, part=part)

    def _may_change(self, model: Model) -> bool:
        try:
            access.require_model_change(self.actor, model)
        except HeadraceError:
            return False
        return True


class ModelQuery(ModelPage):
    """What the model is: its query or table, its source and key."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The first tab."""
        model = access.defined_model_for(self.actor, pk)
        dialect = connections.definition_of(Kind.SOURCE, model.source.type).dialect
        return self.page(model, "syncs/models/query.html", {"dialect": dialect, "columns": list(model.columns.all())})


class ModelRows(ModelPage):
    """The first rows, as the source gives them now."""

    route = "model_rows"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab; the rows themselves come when it is open, as the source may be slow."""
        model = access.defined_model_for(self.actor, pk)
        may_see = access.may_view_rows(self.actor, model)
        return self.page(model, "syncs/models/rows.html", {"may_see": may_see, **OPTIONS})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the source; looking at rows is recorded."""
        model = access.defined_model_for(self.actor, pk)
        context: dict[str, Any] = {"model": model, "may_see": True, **OPTIONS}
        try:
            preview = services.preview_model(actor=self.actor, model=model, **preview_options(request.POST))
        except Invalid as error:
            context["problem"] = error
        else:
            context |= {"preview": preview, "preview_columns": headings(preview.columns)}
        if wants_part(request):
            return render_page(request, "syncs/models/parts/rows.html", context)
        return self.page(model, "syncs/models/rows.html", context)


class ModelColumns(ModelPage):
    """Columns: types and casts, descriptions, what is switched off, what vanished."""

    route = "model_columns"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The columns as last read from the source."""
        model = access.defined_model_for(self.actor, pk)
        return self.page(
            model,
            "syncs/models/columns.html",
            {
                "columns": drafted_columns(model, state_of(open_draft(MODEL, model.pk))),
                "headings": COLUMN_HEADINGS,
                "casts": CASTS,
                "stale": stale_mappings(self.actor, model),
            },
            part="syncs/models/parts/columns.html",
        )

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change one column, or read all of them again."""
        model = access.defined_model_for(self.actor, pk)
        here = self.url(self.route, pk)
        try:
            if request.POST.get("action") == "refresh":
                services.refresh_columns(actor=self.actor, model=model)
                return go_to(request, here, "Columns were read again.")
            draft = self._change(model, request)
        except HeadraceError as error:
            return self._stay(request, pk, f"{error.message} {error.hint}".strip(), "bad")
        return self._stay(request, pk, "Saved to the draft." if draft else "Saved.", "good")

    def _stay(self, request: HttpRequest, pk: int, words: str, tone: ToastTone) -> HttpResponse:
        """Show the columns as they are now: in place for scripts, as a new page without."""
        if wants_part(request):
            return toast(self.get(request, pk), words, tone=tone)
        return go_to(request, self.url(self.route, pk), words, tone=tone)

    def _change(self, model: Model, request: HttpRequest) -> Draft | None:
        """Descriptions go live; casts and switches too, or into the draft."""
        sent, name = request.POST, request.POST.get("column", "")
        if "description" in sent:
            services.change_column(actor=self.actor, model=model, name=name, description=sent["description"])
            return None
        publication = for_model(self.actor, model)
        # The box follows its hidden "0".
        enabled = sent["enabled"] == "1" if "enabled" in sent else None
        chosen = {"override_type": sent.get("override_type"), "enabled": enabled}
        return services.change_model(
            actor=self.actor,
            model=model,
            change=services.ModelChange(columns={name: chosen}),
            way=Way.NOW if publication.direct else Way.DRAFT,
            revision=revision_of(request),
        )


class ModelSyncs(ModelPage):
    """The syncs that send this model's rows."""

    route = "model_syncs"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab."""
        model = access.defined_model_for(self.actor, pk)
        lines = [{"sync": s, "pill": sync_pill(s)} for s in dependent_syncs(self.actor, model)]
        return self.page(model, "syncs/models/syncs.html", {"lines": lines, "stale": stale_mappings(self.actor, model)})


class ModelActivity(ModelPage):
    """What the audit log says of the model."""

    route = "model_activity"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, newest first."""
        model = access.defined_model_for(self.actor, pk)
        return self.page(model, "syncs/models/activity.html", activity_context(request, "model", model))


class RenameModel(PageView):
    """The inline rename of the page header."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename and stay on the page."""
        model = access.defined_model_for(self.actor, pk)
        try:
            services.update_model(actor=self.actor, model=model, name=request.POST.get("name", ""))
        except HeadraceError as error:
            return go_to(request, self.url("model", pk), error.message, tone="bad")
        return go_to(request, self.url("model", pk), "Renamed.")


class DeleteModel(PageView):
    """Removal, after the name was typed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        model = access.defined_model_for(self.actor, pk)
        if request.POST.get("confirm_name", "").strip() != model.name:
            return go_to(request, self.url("model", pk), "Type the name of the model to delete it.", tone="bad")
        try:
            services.delete_model(actor=self.actor, model=model)
        except HeadraceError as error:
            return go_to(request, self.url("model", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("models"), f"Model “{model.name}” was deleted.")
