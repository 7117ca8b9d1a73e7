"""Copying an audience, with the syncs that are chosen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.models import Audience
from audiences.selectors.settings import settings_here
from audiences.services.cloning import clone_with_syncs
from audiences.views.base import PageView
from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from governance.approvals.choices import Way
from syncs.access import may_configure, may_draft, syncs_in_view
from syncs.models import Sync
from syncs.services.cloning import Clone
from syncs.views.publication import for_new


class CloneAudience(PageView):
    """The name of a copy, and which syncs it takes along."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form."""
        return self._page(self._original(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Copy, and open the copy's definition to edit it."""
        audience = self._original(pk)
        ticked = set(request.POST.getlist("sync"))
        chosen = [sync for sync in self._syncs(audience) if str(sync.pk) in ticked]
        name, way = request.POST.get("name", ""), self._way(chosen)
        try:
            clone = clone_with_syncs(actor=self.actor, audience=audience, name=name, syncs=chosen, way=way)
        except HeadraceError as error:
            return self._page(audience, error, 422)
        return go_to(request, self.url("audience_definition", clone.of.pk), _told(clone, audience, way))

    def _original(self, pk: int) -> Audience:
        audience = access.audience_for(self.actor, pk)
        access.require_build(self.actor, audience.parent_model_id)
        return audience

    def _syncs(self, audience: Audience) -> list[Sync]:
        rows = syncs_in_view(self.actor).filter(model_id=audience.model_id or 0).order_by("pk")
        return list(
            rows.select_related("destination", "model", "templated").prefetch_related("experiment_groups__group")
        )

    def _way(self, syncs: list[Sync]) -> Way:
        """Copied syncs begin live where this person may publish them all, else as drafts."""
        may = all(may_configure(self.actor, sync.model, sync.destination_id) for sync in syncs)
        return Way.NOW if for_new(self.actor, may_publish=may).may_publish else Way.DRAFT

    def _page(self, audience: Audience, problem: HeadraceError | None = None, status: int = 200) -> HttpResponse:
        post, required = self.request.POST, settings_here().templates_required
        ticked = set(post.getlist("sync"))
        syncs = self._syncs(audience)
        lines = [
            {
                "sync": sync,
                "groups": [each.group.name for each in sync.experiment_groups.all()],
                "may": may_draft(self.actor, sync.model, sync.destination_id),
                "free": not required or hasattr(sync, "templated"),
                "ticked": str(sync.pk) in ticked,
            }
            for sync in syncs
        ]
        open_to = [sync for sync in syncs if may_draft(self.actor, sync.model, sync.destination_id)]
        wrong = problem.fields if isinstance(problem, Invalid) else {}
        context = {
            "audience": audience,
            "lines": lines,
            "name": post.get("name") or f"{audience.name} (copy)"[:200],
            "name_error": wrong.get("name", ""),
            "problem": None if "name" in wrong else problem,
            "drafted": bool(open_to) and self._way(open_to) is Way.DRAFT,
            "breadcrumb": [
                {"label": "Audiences", "url": self.url("audiences")},
                {"label": audience.name, "url": audience.get_absolute_url()},
            ],
        }
        return render_page(self.request, "audiences/audiences/clone.html", context, status=status)


def _told(clone: Clone[Audience], original: Audience, way: Way) -> str:
    words = f"“{clone.of.name}” is a copy of “{original.name}”."
    if count := len(clone.syncs):
        words += f" {count:,} sync{'s' if count > 1 else ''} came along: their schedules are off"
        words += "." if way is Way.NOW else ", and they wait as drafts."
    if clone.failed:
        sync, why = clone.failed[0]
        words += f" {len(clone.failed):,} could not be copied, such as {sync}: {why}"
    return f"{words} Change what is different about it."
