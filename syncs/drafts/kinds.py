"""Models and syncs as approvals know them.

Starting Django loads this; what needs the engine is imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from config.errors import NotFound
from governance.approvals.models import Draft
from governance.approvals.registry import Governed, Impact, Part, State
from governance.audit.actors import Actor
from syncs import access, sides
from syncs.drafts import MODEL, SYNC
from syncs.models import Model, Sync
from workspaces.access import people_who_may, spaces_of, visible
from workspaces.models import OrganizationMember
from workspaces.permissions import Permission


class GovernedModel(Governed):
    """Models: their query, key, casts and switched columns."""

    kind, noun = MODEL, "model"
    sample_template = "syncs/drafts/sample.html"

    def lock(self, resource_id: int) -> None:
        _locked(Model, resource_id)

    def live(self, resource_id: int) -> State | None:
        from syncs.drafts.state import model_state

        model = _model(resource_id)
        return model_state(model) if model.published else None

    def label(self, resource_id: int) -> str:
        return _model(resource_id).name

    def url(self, slug: str, resource_id: int) -> str:
        return reverse("syncs:model", args=[slug, resource_id])

    def edit_url(self, slug: str, resource_id: int) -> str:
        return reverse("syncs:model_edit", args=[slug, resource_id])

    def require_draft(self, actor: Actor, resource_id: int) -> None:
        access.require_model_draft(actor, _model(resource_id))

    def require_approve(self, actor: Actor, resource_id: int) -> None:
        access.require_model_approval(actor, _model(resource_id))

    def approvers(self, resource_id: int) -> QuerySet[OrganizationMember]:
        model = _model(resource_id)
        from_source = {Permission.APPROVE_FROM_SOURCE: model.source_id}
        people = people_who_may(from_source)
        for destination_id in model.syncs.order_by().values_list("destination_id", flat=True).distinct():
            both = people_who_may({**from_source, Permission.APPROVE_TO_DESTINATION: destination_id})
            people = people.filter(pk__in=both.values("pk"))
        return people

    def approvable(self, actor: Actor) -> QuerySet[Any]:
        return visible(access.models_in_view(actor), actor, Permission.APPROVE_FROM_SOURCE, "source_id")

    def in_view(self, actor: Actor) -> QuerySet[Any] | None:
        return None

    def write_new(self, draft: Draft) -> None:
        from syncs.services.drafts import write_new_model

        write_new_model(draft)

    def discard_new(self, resource_id: int) -> None:
        from syncs.services.drafts import discard_new_model

        discard_new_model(_model(resource_id))

    def publish(self, actor: Actor, draft: Draft) -> None:
        from syncs.services.drafts import publish_model

        publish_model(actor=actor, draft=draft)

    def merge(self, base: State, proposed: State, live: State) -> State:
        from syncs.drafts.state import merged

        return merged(base, proposed, live)

    def parts(self, draft: Draft) -> Sequence[Part]:
        from syncs.drafts.showing import model_parts

        return model_parts(draft.base, draft.proposed)

    def start_impact(self, draft: Draft) -> None:
        from syncs.services.previews import begin_impact

        begin_impact(draft, Sync.objects.filter(model_id=draft.resource_id, published=True))

    def impact(self, actor: Actor, draft: Draft, *, sample: bool = False) -> Sequence[Impact]:
        from syncs.drafts.impact import impact_of

        return impact_of(actor, draft, sample=sample)

    def present(self, sample: Mapping[str, Any]) -> Mapping[str, Any]:
        from syncs.drafts.impact import presented

        return presented(sample)


class GovernedSync(Governed):
    """Syncs: their configuration, mapping, schedule and guardrails."""

    kind, noun = SYNC, "sync"
    sample_template = "syncs/drafts/sample.html"

    def lock(self, resource_id: int) -> None:
        _locked(Sync, resource_id)

    def live(self, resource_id: int) -> State | None:
        from syncs.drafts.state import sync_state

        sync = _sync(resource_id)
        return sync_state(sync) if sync.published else None

    def label(self, resource_id: int) -> str:
        return str(_sync(resource_id))

    def url(self, slug: str, resource_id: int) -> str:
        return reverse("syncs:sync", args=[slug, resource_id])

    def edit_url(self, slug: str, resource_id: int) -> str:
        return reverse("syncs:sync_edit", args=[slug, resource_id])

    def require_draft(self, actor: Actor, resource_id: int) -> None:
        sync = _sync(resource_id)
        access.require_draft(actor, sync.model, sync.destination_id)

    def require_approve(self, actor: Actor, resource_id: int) -> None:
        sync = _sync(resource_id)
        access.require_approve(actor, sync.model, sync.destination_id)

    def approvers(self, resource_id: int) -> QuerySet[OrganizationMember]:
        sync = _sync(resource_id)
        return people_who_may(sides.objects(sync.model, access.APPROVE, sync.destination_id))

    def approvable(self, actor: Actor) -> QuerySet[Any]:
        return sides.visible(access.syncs_in_view(actor), actor, access.APPROVE)

    def in_view(self, actor: Actor) -> QuerySet[Any] | None:
        return None if spaces_of(actor) is None else access.syncs_in_view(actor)

    def write_new(self, draft: Draft) -> None:
        from syncs.services.drafts import write_new_sync

        write_new_sync(draft)

    def discard_new(self, resource_id: int) -> None:
        from syncs.services.drafts import discard_new_sync

        discard_new_sync(_sync(resource_id))

    def publish(self, actor: Actor, draft: Draft) -> None:
        from syncs.services.drafts import publish_sync

        publish_sync(actor=actor, draft=draft)

    def merge(self, base: State, proposed: State, live: State) -> State:
        from syncs.drafts.state import merged

        return merged(base, proposed, live)

    def parts(self, draft: Draft) -> Sequence[Part]:
        from connectors.secrets import decrypt
        from syncs.drafts.showing import sync_parts

        sync = Sync.objects.select_related("destination").filter(pk=draft.resource_id).first()
        if sync is None:
            return []
        resealed = bool(draft.sealed) and decrypt(draft.sealed) != decrypt(sync.sealed_settings)
        return sync_parts(sync.destination, draft.base, draft.proposed, resealed=resealed)

    def start_impact(self, draft: Draft) -> None:
        from syncs.services.previews import begin_impact

        begin_impact(draft, Sync.objects.filter(pk=draft.resource_id))

    def impact(self, actor: Actor, draft: Draft, *, sample: bool = False) -> Sequence[Impact]:
        from syncs.drafts.impact import impact_of

        return impact_of(actor, draft, sample=sample)

    def present(self, sample: Mapping[str, Any]) -> Mapping[str, Any]:
        from syncs.drafts.impact import presented

        return presented(sample)


def _locked(kind: type[Model] | type[Sync], pk: int) -> None:
    if not kind.objects.select_for_update(no_key=True).filter(pk=pk).values_list("pk", flat=True):
        raise NotFound(f"There is no such {kind._meta.verbose_name} any more.")


def _model(pk: int) -> Model:
    found = Model.objects.select_related("source").filter(pk=pk).first()
    if found is None:
        raise NotFound("This model does not exist any more.")
    return found


def _sync(pk: int) -> Sync:
    found = Sync.objects.select_related("model__source", "destination").filter(pk=pk).first()
    if found is None:
        raise NotFound("This sync does not exist any more.")
    return found
