"""When the runs of a sync wait for a person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError
from governance.approvals.access import open_draft
from syncs import access, services
from syncs.codec import load
from syncs.drafts import SYNC
from syncs.drafts.state import guardrails_in
from syncs.engine.guardrails import Guardrails
from syncs.forms.guardrails import GuardrailsForm, described
from syncs.locks import GUARDRAILS, locks_of
from syncs.models import Sync
from syncs.views.publication import leave, revision_of, way_of
from syncs.views.sync_detail import SyncPage


class SyncGuardrails(SyncPage):
    """The form, under the configuration tab."""

    route = "sync_configuration"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The limits that are stored."""
        sync = access.sync_for(self.actor, pk)
        draft = open_draft(SYNC, pk)
        stored = guardrails_in(draft.proposed) if draft else load(Guardrails, sync.guardrails)
        return self._page(sync, GuardrailsForm.of(stored))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save."""
        sync = access.sync_for(self.actor, pk)
        form = GuardrailsForm(request.POST)
        if not form.is_valid():
            return self._page(sync, form, 422)
        try:
            draft = services.change_sync(
                actor=self.actor,
                sync=sync,
                change=services.SyncChange(guardrails=form.guardrails()),
                way=way_of(request),
                revision=revision_of(request),
            )
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._page(sync, form, 422)
        to, words = self.url("sync_configuration", pk), "Saved. The next run keeps to these limits."
        return leave(request, self.here.workspace.slug, draft, way_of(request), to=to, live=words)

    def _page(self, sync: Sync, form: GuardrailsForm, status: int = 200) -> HttpResponse:
        back = self.url("sync_configuration", sync.pk)
        locks = locks_of(sync)
        locked = locks.reason if locks and not locks.is_open(GUARDRAILS) else ""
        context = {"form": form, "back": back, "locked": locked, "rules": described(load(Guardrails, sync.guardrails))}
        return self.page(sync, "syncs/syncs/guardrails.html", context, status)
