"""When the runs of a sync wait for a person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError
from config.htmx import go_to
from syncs import access, services
from syncs.codec import load
from syncs.engine.guardrails import Guardrails
from syncs.forms.guardrails import GuardrailsForm
from syncs.models import Sync
from syncs.views.sync_detail import SyncPage


class SyncGuardrails(SyncPage):
    """The form, under the configuration tab."""

    route = "sync_configuration"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The limits that are stored."""
        sync = access.sync_for(self.actor, pk)
        return self._page(sync, GuardrailsForm.of(load(Guardrails, sync.guardrails)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save."""
        sync = access.sync_for(self.actor, pk)
        form = GuardrailsForm(request.POST)
        if not form.is_valid():
            return self._page(sync, form, 422)
        try:
            services.set_guardrails(actor=self.actor, sync=sync, guardrails=form.guardrails())
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._page(sync, form, 422)
        return go_to(request, self.url("sync_configuration", pk), "Saved. The next run keeps to these limits.")

    def _page(self, sync: Sync, form: GuardrailsForm, status: int = 200) -> HttpResponse:
        back = self.url("sync_configuration", sync.pk)
        return self.page(sync, "syncs/syncs/guardrails.html", {"form": form, "back": back}, status)
