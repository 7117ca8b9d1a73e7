"""The columns of a schema model: what marketers see of each, under which name, and how far its values go."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access, services
from audiences.choices import PRIVACY_WORDS, Privacy
from audiences.models import SchemaColumn, SchemaModel
from audiences.services import ColumnSettings
from audiences.views.base import ModelPage, PageView
from config.errors import HeadraceError, NotFound
from config.htmx import ToastTone, go_to, render_page, toast, wants_part
from config.ui.listing import Column
from connectors.sdk.types import ColumnType

HEADINGS = [
    Column("Use", fit=True),
    Column("Column"),
    Column("Alias"),
    Column("Type"),
    Column("Privacy"),
    Column("Suggest values", fit=True),
]
CASTS = [(kind.value, kind.value) for kind in ColumnType if kind not in (ColumnType.REFERENCE, ColumnType.UNKNOWN)]
SWITCHES = ("enabled", "suggest", "ignore_case")
MANY = {
    "on": ColumnSettings(enabled=True),
    "off": ColumnSettings(enabled=False),
    "suggest": ColumnSettings(suggest=True),
    "no_suggest": ColumnSettings(suggest=False),
}
SHOWN_VALUES = 100


class ColumnsPage(ModelPage):
    """The first tab."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The columns as last read from the source."""
        model = access.schema_model_for(self.actor, pk)
        query = request.GET.get("q", "").strip()
        columns = list(model.columns.all())
        shown = [c for c in columns if _matches(c, query)]
        context = {
            "columns": shown,
            "query": query,
            "column_total": len(columns),
            "gone": [c for c in columns if c.missing],
            "headings": HEADINGS,
            "casts": CASTS,
            "levels": [(level.value, level.label, PRIVACY_WORDS[level]) for level in Privacy],
            "may_see_values": access.may_see_suggestions(self.actor, model),
        }
        return self.page(model, "audiences/schema/columns.html", context, part="audiences/schema/parts/columns.html")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change one column, or those that are ticked."""
        model = access.schema_model_for(self.actor, pk)
        try:
            names, settings = self._change(request)
            services.change_columns(actor=self.actor, model=model, names=names, settings=settings)
        except HeadraceError as error:
            return self._stay(request, pk, f"{error.message} {error.hint}".strip(), "bad")
        return self._stay(request, pk, "Saved.", "good")

    def _change(self, request: HttpRequest) -> tuple[list[str], ColumnSettings]:
        """Which columns, and what: one column's own form, or a button over those that are ticked."""
        sent = request.POST
        if do := sent.get("do"):
            level = do.removeprefix("privacy:")
            settings = ColumnSettings(privacy=level) if do.startswith("privacy:") else MANY.get(do)
            if settings is None:
                raise NotFound("There is no such action.")
            return sent.getlist("selected"), settings
        # A box follows its hidden "0".
        values: dict[str, Any] = {name: sent[name] == "1" for name in SWITCHES if name in sent}
        values |= {name: sent[name] for name in ("alias", "override_type", "privacy", "description") if name in sent}
        return [sent.get("column", "")], ColumnSettings(**values)

    def _stay(self, request: HttpRequest, pk: int, words: str, tone: ToastTone) -> HttpResponse:
        """Show the columns as they are now: in place for scripts, as a new page without."""
        if wants_part(request):
            return toast(self.get(request, pk), words, tone=tone)
        return go_to(request, self.url(self.route, pk), words, tone=tone)


class ColumnValues(PageView):
    """The values that filters suggest for a column, with how often each comes."""

    def get(self, request: HttpRequest, pk: int, column: int) -> HttpResponse:
        """The most frequent, for those who may see values."""
        model: SchemaModel = access.schema_model_for(self.actor, pk)
        found = model.columns.filter(pk=column).first()
        if found is None:
            raise NotFound("There is no such column.")
        may_see = access.may_see_suggestions(self.actor, model) and not found.redacted
        values = found.suggestions[:SHOWN_VALUES] if may_see else []
        most = max((count for _, count in values), default=1)
        context = {
            "model": model,
            "column": found,
            "may_see": may_see,
            "values": [{"value": v, "count": n, "share": 100 * n // max(most, 1)} for v, n in values],
            "breadcrumb": [
                {"label": "Schema", "url": f"{self.url('schema')}?source={model.source_id}"},
                {"label": model.name, "url": self.url("schema_model", model.pk)},
            ],
        }
        return render_page(request, "audiences/schema/values.html", context)


def _matches(column: SchemaColumn, query: str) -> bool:
    words = f"{column.name} {column.alias} {column.description}".lower()
    return all(word in words for word in query.lower().split())
