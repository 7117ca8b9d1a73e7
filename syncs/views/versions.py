"""Earlier versions of models and syncs: who changed what, how it differs from now, and putting one back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError, Invalid
from config.ui.listing import Column
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from governance.selectors import sentence
from syncs import access, services
from syncs.models import Model, Sync
from syncs.services.models import KeyChange
from syncs.versions import MOST, Version, live_state, parts_between, version_of, versions_of
from syncs.views.model_detail import ModelPage
from syncs.views.model_editor import KEY_CHANGES
from syncs.views.publication import leave, way_of
from syncs.views.sync_detail import SyncPage

HEADINGS = [Column("When", fit=True), Column("Who"), Column("What changed"), Column("", fit=True)]


class ModelVersions(ModelPage):
    """The tab."""

    route = "model_versions"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Newest first."""
        model = access.defined_model_for(self.actor, pk)
        return self.page(
            model, "syncs/models/versions.html", _listed(model, lambda n: self.url("model_version", pk, n))
        )


class SyncVersions(SyncPage):
    """The tab."""

    route = "sync_versions"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Newest first."""
        sync = access.sync_for(self.actor, pk)
        return self.page(sync, "syncs/syncs/versions.html", _listed(sync, lambda n: self.url("sync_version", pk, n)))


class ModelVersion(ModelPage):
    """One version beside what is live."""

    route = "model_versions"

    def get(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """What restoring it would change."""
        return self._show(access.defined_model_for(self.actor, pk), version)

    def post(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """Restore it, as a draft where the workspace asks for approval."""
        model, way = access.defined_model_for(self.actor, pk), way_of(request)
        reset = KEY_CHANGES.get(request.POST.get("reset", ""))
        key_change = KeyChange(reset=reset, run_now=False) if reset else None
        try:
            draft = services.restore_model(
                actor=self.actor, model=model, version=version, way=way, key_change=key_change
            )
        except HeadraceError as error:
            return self._show(access.defined_model_for(self.actor, pk), version, error)
        return self._left(draft, way, self.url("model", pk))

    def _left(self, draft: Draft | None, way: Way, to: str) -> HttpResponse:
        return leave(self.request, self.here.workspace.slug, draft, way, to=to, live="Restored. It is live.")

    def _show(self, model: Model, version: int, error: HeadraceError | None = None) -> HttpResponse:
        found = version_of(model, version)
        rekeyed = found.state["primary_key"] != model.primary_key and model.syncs.filter(published=True).exists()
        context = {**_compared(model, found, error), "rekeyed": rekeyed, "back": self.url("model_versions", model.pk)}
        answer = self.page(model, "syncs/models/version.html", context)
        answer.status_code = 422 if error else 200
        return answer


class SyncVersion(SyncPage):
    """One version beside what is live."""

    route = "sync_versions"

    def get(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """What restoring it would change."""
        return self._show(access.sync_for(self.actor, pk), version)

    def post(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """Restore it, as a draft where the workspace asks for approval."""
        sync, way = access.sync_for(self.actor, pk), way_of(request)
        try:
            draft = services.restore_sync(actor=self.actor, sync=sync, version=version, way=way)
        except HeadraceError as error:
            return self._show(access.sync_for(self.actor, pk), version, error)
        to = self.url("sync_configuration", pk)
        return leave(request, self.here.workspace.slug, draft, way, to=to, live="Restored. It is live.")

    def _show(self, sync: Sync, version: int, error: HeadraceError | None = None) -> HttpResponse:
        found = version_of(sync, version)
        context = {**_compared(sync, found, error), "back": self.url("sync_versions", sync.pk)}
        return self.page(sync, "syncs/syncs/version.html", context, status=422 if error else 200)


def _listed(row: Model | Sync, address: Callable[[int], str]) -> dict[str, Any]:
    versions = versions_of(row)
    lines = [{"version": v, "sentence": sentence(v.entry), "url": address(v.entry.pk)} for v in versions]
    return {"versions": lines, "headings": HEADINGS, "most": MOST}


def _compared(row: Model | Sync, found: Version, error: HeadraceError | None) -> dict[str, Any]:
    """What ``syncs/parts/version.html`` shows."""
    try:
        parts = parts_between(row, live_state(row), found.state)
    except (KeyError, ValueError):
        parts = []
    return {
        "version": found,
        "parts": parts,
        "told": sentence(found.entry),
        "problem": error,
        "problems": _problems(error),
    }


def _problems(error: HeadraceError | None) -> Sequence[tuple[str, str]]:
    """Where something is wrong, and what."""
    return list(error.fields.items()) if isinstance(error, Invalid) else []
