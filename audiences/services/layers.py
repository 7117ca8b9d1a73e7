"""How many the layers between an audience and a sync stop, and who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from django.utils import timezone

from audiences import access
from audiences.choices import CalculationKind
from audiences.definitions import asker, grouped, schema_with_audiences, subsets_of
from audiences.models import Audience, Calculation, RunLayers
from audiences.query.layers import Layer, stopped
from audiences.query.schema import Surface
from audiences.selectors.subsets import rows_within
from audiences.services.members import member_outputs, record_members_preview
from audiences.syncing import audience_of, plan_of
from config.errors import Denied
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs.access import sync_for
from syncs.choices import ModelMethod
from syncs.definitions import PREVIEW_ROWS, Definition, Preview, preview
from syncs.models import Run, Sync

NOTHING: Mapping[str, int] = MappingProxyType({})


@service("audience.layers_counted")
def count_layers(*, actor: Actor, sync: Sync) -> Calculation:
    """Let a worker count how many each layer between the audience and this sync leaves."""
    from audiences.tasks import calculate

    audience = _audience(actor, sync)
    access.require_build(actor, audience.parent_model_id)
    made = Calculation.objects.create(
        workspace_id=sync.workspace_id,
        parent_model=audience.parent_model,
        audience=audience,
        kind=CalculationKind.LAYERS,
        question={"sync": sync.pk},
        definition=audience.definition,
        subset_ids=sorted(subset.pk for subset in subsets_of(audience)),
    )
    enqueue(calculate, made.workspace_id, made.pk)
    record(audience, after={"sync": str(sync), "calculation": made.pk})
    return made


def count_layers_of_run(run: Run) -> None:
    """Let a worker ask what the run's spec says, beside the run: how many each layer left at its moment."""
    from audiences.tasks import calculate

    audience = Audience.objects.select_related("parent_model").filter(model_id=run.sync.model_id).first()
    if audience is None or not run.spec.get("counting"):
        return
    made = Calculation.objects.create(
        workspace_id=run.workspace_id,
        parent_model=audience.parent_model,
        audience=audience,
        kind=CalculationKind.LAYERS,
        question={"run": run.pk},
        definition=audience.definition,
    )
    enqueue(calculate, made.workspace_id, made.pk)


def keep_layers(calculation: Calculation, *, counts: Mapping[str, int] = NOTHING, error: str = "") -> None:
    """Keep what was counted for a run as long as the run, or why it could not be: the run does not care."""
    run = Run.objects.filter(pk=calculation.question["run"]).first()
    if run is not None:
        kept = {"workspace_id": run.workspace_id, "at": timezone.now(), "counts": dict(counts), "error": error[:2000]}
        RunLayers.objects.update_or_create(run=run, defaults=kept)


def preview_stopped(*, actor: Actor, sync: Sync, layer: Layer, limit: int = PREVIEW_ROWS) -> Preview:
    """The first members who came as far as a layer and were stopped there, as far as the person may see them."""
    audience = _audience(actor, sync)
    parent = audience.parent_model
    access.require_view_rows(actor, parent)
    schema = schema_with_audiences(parent.source)
    plan = plan_of(audience, sync, schema)
    chosen = subsets_of(audience)
    seen = rows_within(actor, parent, chosen)
    if seen != chosen:
        if layer is Layer.SUBSETS:
            raise Denied(f"You may not see rows outside of your subsets of {parent.name}.")
        plan = replace(plan, audience=replace(plan.audience, subsets=grouped(seen)))
    record_members_preview(actor=actor, parent=parent, audience=audience)
    outputs = member_outputs(schema.models[str(parent.pk)])
    query = stopped(asker(schema), plan, layer, outputs, surface=Surface.PREVIEWS, rows=limit + 1)
    return preview(parent.source, Definition(method=ModelMethod.SQL, sql=query.sql()), limit=limit)


def _audience(actor: Actor, sync: Sync) -> Audience:
    """The audience that a sync sends, which the actor may read."""
    return access.audience_for(actor, audience_of(sync_for(actor, sync.pk).model_id).pk)
