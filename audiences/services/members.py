"""The first members of an audience, as far as the person and the privacy of each column allow."""

from __future__ import annotations

from typing import Any

from audiences import access
from audiences.definitions import asker, given, problems_of, schema_with_audiences
from audiences.models import Audience, SchemaModel
from audiences.query.conditions import Field
from audiences.query.schema import StudioModel, Surface
from audiences.query.statements import Output
from config.errors import Denied, Invalid
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs.choices import ModelMethod
from syncs.definitions import PREVIEW_ROWS, Definition, Preview, preview


def preview_members(
    *, actor: Actor, parent: SchemaModel, definition: Any, audience: Audience | None = None, limit: int = PREVIEW_ROWS
) -> Preview:
    """The first members, by key; values that a column's privacy hides are not even asked for."""
    parent = access.parent_model_for(actor, parent.pk)
    if not access.may_view_rows(actor, parent):
        raise Denied(
            f"You may not see rows of {parent.name}.",
            hint="A workspace admin can give your group the right to view this parent model's row data.",
        )
    schema = schema_with_audiences(parent.source)
    if problems := problems_of(parent, definition, schema, audience):
        raise Invalid(problems[0].message, hint="Correct the conditions that are marked.")
    record_members_preview(actor=actor, parent=parent, audience=audience)
    model = schema.models[str(parent.pk)]
    meant = given(parent, definition, audience)
    query = asker(schema).members(meant, _outputs(model), surface=Surface.PREVIEWS, rows=limit)
    return preview(parent.source, Definition(method=ModelMethod.SQL, sql=query.sql()), limit=limit)


def _outputs(model: StudioModel) -> list[Output]:
    """The labels first, then the other columns that people see."""
    shown = [each for each in model.columns if each.enabled and each.may(Surface.PREVIEWS)]
    first = [label for label in (model.primary_label, model.secondary_label) if label]
    ordered = sorted(shown, key=lambda each: first.index(each.name) if each.name in first else len(first))
    return [Output(each.name, field=Field(each.name)) for each in ordered]


@service("audience.previewed")
def record_members_preview(*, actor: Actor, parent: SchemaModel, audience: Audience | None) -> None:
    """Remember that somebody looked at members."""
    parent = access.parent_model_for(actor, parent.pk)
    record(parent, after={"audience": audience.name if audience else ""})
