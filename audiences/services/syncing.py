"""Writes that let an audience be synced like any model, and keep that model true."""

from __future__ import annotations

from audiences import access
from audiences.definitions import schema_with_audiences
from audiences.models import Audience, SchemaModel
from audiences.query.schema import StudioSchema
from audiences.syncing import sendable_columns
from config.errors import Conflict
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs.models import Model
from syncs.services.audience_models import create_audience_model
from syncs.services.audience_models import follow_audience as follow


@service("audience.opened_for_syncs")
def open_for_syncs(*, actor: Actor, audience: Audience) -> Model:
    """The model that syncs of the audience have, made where there is none yet."""
    audience = access.audience_to_change(actor, audience.pk)
    parent = audience.parent_model
    if audience.model is not None:
        _follow(audience, schema_with_audiences(parent.source))
        unchanged()
        return audience.model
    if len(parent.primary_key) != 1:
        raise Conflict(
            f"The key of {parent.name} has several columns.",
            hint="Syncs go by one: let the model's query make a single key of them.",
        )
    audience.model = create_audience_model(
        source_id=parent.source_id,
        parent_model_id=parent.pk,
        name=audience.name,
        primary_key=parent.primary_key[0],
        user_id=actor.user_id,
        folder=audience.folder,
    )
    audience.save(update_fields=["model"])
    _follow(audience, schema_with_audiences(parent.source))
    record(audience, after={"model": audience.model_id})
    return audience.model


def follow_schema(model: SchemaModel) -> None:
    """Let the syncs of all audiences of a source know its columns as they are now; the caller has checked who asks."""
    rows = Audience.objects.filter(parent_model__source_id=model.source_id, model__isnull=False)
    audiences = list(rows.select_related("parent_model__source", "model"))
    if not audiences:
        return
    schema = schema_with_audiences(model.source)
    for audience in audiences:
        _follow(audience, schema)


def follow_audience(audience: Audience) -> None:
    """Let the syncs of an audience know its name and columns as they are now; the caller has checked who asks."""
    if audience.model is not None:
        _follow(audience, schema_with_audiences(audience.parent_model.source))


def _follow(audience: Audience, schema: StudioSchema) -> None:
    if audience.model is None or str(audience.parent_model_id) not in schema.models:
        return
    columns = sendable_columns(audience, schema)
    follow(
        audience.model,
        name=audience.name,
        primary_key=schema.models[str(audience.parent_model_id)].primary_key[0],
        columns=[each.column for each in columns],
        casts={each.column.name: each.cast for each in columns if each.cast},
    )
