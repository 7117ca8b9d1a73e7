"""Earlier versions of audiences: who changed what, how it differs from now, and putting one back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.models import Audience
from audiences.services.restoring import restore_audience
from audiences.versions import live_state, parts_between, version_of, versions_of
from audiences.views.audience_tab import AudienceTab
from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column
from governance.selectors import sentence
from syncs.versions import MOST

HEADINGS = [Column("When", fit=True), Column("Who"), Column("What changed"), Column("", fit=True)]


class AudienceVersions(AudienceTab):
    """The tab."""

    route = "audience_versions"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Newest first."""
        audience = access.audience_for(self.actor, pk)
        lines = [
            {"version": v, "sentence": sentence(v.entry), "url": self.url("audience_version", pk, v.entry.pk)}
            for v in versions_of(audience)
        ]
        context = {**self.around(audience), "versions": lines, "headings": HEADINGS, "most": MOST}
        return render_page(request, "audiences/audiences/versions.html", context)


class AudienceVersion(AudienceTab):
    """One version beside what is live."""

    route = "audience_versions"

    def get(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """What restoring it would change."""
        return self._show(access.audience_for(self.actor, pk), version)

    def post(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """Restore it."""
        audience = access.audience_for(self.actor, pk)
        try:
            seen = request.POST.get("version", "")
            restore_audience(actor=self.actor, audience=audience, version=version, seen=seen)
        except HeadraceError as error:
            return self._show(audience, version, error)
        return go_to(request, self.url("audience_definition", pk), "Restored. It is live.")

    def _show(self, audience: Audience, version: int, error: HeadraceError | None = None) -> HttpResponse:
        found = version_of(audience, version)
        around = self.around(audience)
        context: dict[str, Any] = {
            **around,
            "version": found,
            "told": sentence(found.entry),
            "parts": parts_between(self.actor, audience, live_state(audience), found.state),
            "problem": error,
            "problems": list(error.fields.items()) if isinstance(error, Invalid) else [],
            "seen": self.version(audience, error),
            "back": self.url("audience_versions", audience.pk),
            "may_edit": around["may_change"],
        }
        answer = render_page(self.request, "audiences/audiences/version.html", context)
        answer.status_code = 422 if error else 200
        return answer
