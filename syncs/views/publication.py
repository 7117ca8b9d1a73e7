"""What an editor offers to do with a change, what was chosen, and where that leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from config.errors import HeadraceError
from config.htmx import go_to
from governance.approvals.access import open_draft, require_direct
from governance.approvals.choices import Way
from governance.approvals.models import ApprovalPolicy, Draft
from governance.audit.actors import Actor
from syncs import access
from syncs.drafts import MODEL, SYNC
from syncs.models import Model, Sync

SAVES = {"save": Way.NOW, "submit": Way.SUBMIT, "draft": Way.DRAFT}


@dataclass(frozen=True, slots=True)
class Publication:
    """What ``syncs/parts/publication.html`` offers.

    ``may_publish`` shows the first button, ``named`` calls it “Publish now” and offers to ask for approval beside it.
    """

    may_publish: bool
    named: bool
    draft: Draft | None = None

    @property
    def direct(self) -> bool:
        """Whether small edits that save themselves go live rather than into a draft."""
        return self.may_publish and not self.named


def for_model(actor: Actor, model: Model) -> Publication:
    """What can become of a change of a saved model."""
    return _publication(actor, may_configure_model(actor, model), open_draft(MODEL, model.pk))


def for_sync(actor: Actor, sync: Sync) -> Publication:
    """What can become of a change of a saved sync."""
    may = access.may_configure(actor, sync.model, sync.destination_id)
    return _publication(actor, may, open_draft(SYNC, sync.pk))


def for_new(actor: Actor, *, may_publish: bool) -> Publication:
    """What can become of something that is being made."""
    return _publication(actor, may_publish, None)


def may_configure_model(actor: Actor, model: Model) -> bool:
    """Whether the actor may draft and publish this model with everything that depends on it."""
    try:
        access.require_model_draft(actor, model)
        access.require_model_approval(actor, model)
        access.require_model_change(actor, model)
    except HeadraceError:
        return False
    return True


def way_of(request: HttpRequest) -> Way:
    """What the pressed button says."""
    return SAVES.get(request.POST.get("action", ""), Way.NOW)


def revision_of(request: HttpRequest) -> int | None:
    """The version of the draft that the form showed."""
    sent = request.POST.get("draft_revision", "")
    return int(sent) if sent.isdecimal() and len(sent) < 10 else None


def leave(request: HttpRequest, slug: str, draft: Draft | None, way: Way, *, to: str, live: str) -> HttpResponse:
    """On from an editor: to the resource, or to where reviewers are chosen, saying what became of the change."""
    if draft is None:
        return go_to(request, to, live)
    if way is Way.DRAFT:
        return go_to(request, to, "Draft saved. It is not live yet.")
    if draft.submitted:
        words = "The request was changed. It has to be approved as it is now."
        return go_to(request, _url(slug, "request", draft.pk), words)
    return go_to(request, _url(slug, "submit" if way is Way.SUBMIT else "request", draft.pk))


def _publication(actor: Actor, may_publish: bool, draft: Draft | None) -> Publication:
    required = ApprovalPolicy.objects.filter(required=True).exists()
    try:
        require_direct(actor)
    except HeadraceError:
        may_publish = False
    return Publication(may_publish, required or draft is not None, draft)


def _url(slug: str, name: str, *args: Any) -> str:
    return reverse(f"approvals:{name}", args=[slug, *args])
