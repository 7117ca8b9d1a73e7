"""What the pages of this app share."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from audiences import access
from audiences.models import SchemaModel
from audiences.selectors import lost_uses, ties_of
from audiences.selectors.traits import lost_columns
from audiences.services.checks import Defined, version_of
from config.errors import Conflict
from config.htmx import render_page
from connectors import catalog
from connectors.choices import Kind
from syncs.views.base import PageView as SyncsPageView
from workspaces.favourites import opened

LONGEST = 19  # digits: more are no id
TABS = (
    ("schema_model", "Columns"),
    ("schema_relationships", "Relationships"),
    ("schema_rows", "Rows"),
    ("schema_sampling", "Sampling"),
    ("schema_activity", "Activity"),
    ("schema_configuration", "Configuration"),
)


def id_in(text: str) -> int:
    """An id that a form or address sent; 0, which no row has, where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST else 0


class PageView(SyncsPageView):
    """A view of the studio inside a workspace."""

    def version(self, row: Defined, problem: Exception | None = None) -> str:
        """The version that a definition's page goes on with; after somebody else's change the one that is there."""
        sent = "" if isinstance(problem, Conflict) else self.request.POST.get("version", "")
        return sent or version_of(row)

    def url(self, name: str, *args: Any) -> str:
        """The address of one of this app's routes in this workspace."""
        return reverse(f"audiences:{name}", args=[self.here.workspace.slug, *args])

    def schema_crumb(self, source_id: int) -> dict[str, str]:
        """The way back to the schema of a source."""
        return {"label": "Schema", "url": f"{self.url('schema')}?source={source_id}"}


class StudioAddress(SyncsPageView):
    """For pages of syncs that stand in the studio: the studio's addresses beside those of syncs."""

    def studio(self, name: str, *args: Any) -> str:
        """The address of one of this app's routes in this workspace."""
        return reverse(f"audiences:{name}", args=[self.here.workspace.slug, *args])


class ModelPage(PageView):
    """What the tabs of a schema model share."""

    route = "schema_model"

    def page(
        self,
        model: SchemaModel,
        template: str,
        context: dict[str, Any] | None = None,
        *,
        part: str = "",
        status: int = 200,
    ) -> HttpResponse:
        """Render one tab."""
        may_change = access.may_configure(self.actor, model.source_id)
        lines = ties_of(self.actor, model)
        counts = {"schema_model": model.columns.count(), "schema_relationships": len(lines)}
        whole = {
            "model": model,
            "star": opened(self.here, "schema_model", model),
            "entry": catalog.known_entry(Kind.SOURCE, model.source.type),
            "tabs": [
                {
                    "label": words,
                    "url": self.url(name, model.pk),
                    "active": name == self.route,
                    "count": counts.get(name),
                }
                for name, words in TABS
            ],
            "lines": lines,
            "lost": [*lost_uses(model, lines), *lost_columns(model)],
            "breadcrumb": [self.schema_crumb(model.source_id)],
            "may_change": may_change,
            "rename_url": self.url("schema_rename", model.pk) if may_change else "",
            **(context or {}),
        }
        return render_page(self.request, template, whole, part=part, status=status)
