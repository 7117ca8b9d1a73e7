"""Values of a trait for the first rows of its model, as far as the person and the privacy of each column allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audiences import access
from audiences.approximate import asking
from audiences.definitions import NEW, schema_with_audiences
from audiences.models import SchemaModel
from audiences.query.codec import load_trait
from audiences.query.conditions import Definition as Everybody
from audiences.query.conditions import Field, FormulaTrait, SqlTrait
from audiences.query.errors import InvalidTree
from audiences.query.schema import SavedAudience, StudioModel, StudioSchema, Surface
from audiences.query.statements import Output
from audiences.selectors.reach import rows_seen
from audiences.trait_checks import problems_of_trait, stored_trait
from config.errors import Denied, Invalid
from connectors.sdk.types import ColumnType
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs.choices import ModelMethod
from syncs.definitions import PREVIEW_ROWS, Definition, Preview, preview

MOMENTS = frozenset({ColumnType.TIMESTAMP, ColumnType.DATE})


@dataclass(frozen=True, slots=True)
class TraitPreview:
    """The first rows; ``unfit`` says where SQL gave something else than its declared type."""

    rows: Preview
    unfit: str = ""


def preview_trait(
    *,
    actor: Actor,
    model: SchemaModel,
    definition: Any,
    name: str = "",
    limit: int = PREVIEW_ROWS,
    sampled: bool = False,
) -> TraitPreview:
    """A trait's values beside what people know a row by; columns that privacy hides are not asked for.

    With ``sampled`` of rows in the sample.
    """
    model = access.schema_model_for(actor, model.pk)
    if not access.may_view_rows(actor, model):
        raise Denied(
            f"You may not see rows of {model.name}.",
            hint="A workspace admin can give your group the right to view the row data of its parent model.",
        )
    schema, key = schema_with_audiences(model.source), str(model.pk)
    if problems := problems_of_trait(schema, key, definition, name=name):
        raise Invalid(problems[0].message, hint="Correct what is marked.")
    tree = load_trait(stored_trait(schema, key, definition))
    everybody = SavedAudience(id=NEW, name="Everybody", model=key, definition=Everybody())
    everybody = rows_seen(actor, model, lambda: schema) or everybody
    value = Output(name or "value", definition=tree)
    outputs = [*_known_by(schema, schema.models[key], value.name), value]
    try:
        ask = asking(schema, model, sampled=sampled)
        query = ask.members(everybody, outputs, surface=Surface.PREVIEWS, rows=limit)
    except InvalidTree as error:
        raise Invalid(error.problems[0].message, hint="Its values can be filtered by, and not looked at.") from None
    record_trait_preview(actor=actor, model=model, name=name)
    found = preview(model.source, Definition(method=ModelMethod.SQL, sql=query.sql()), limit=limit)
    declared = ColumnType(tree.result.value) if isinstance(tree, SqlTrait | FormulaTrait) else None
    return TraitPreview(found, _unfit(found, declared))


@service("trait.previewed")
def record_trait_preview(*, actor: Actor, model: SchemaModel, name: str) -> None:
    """Remember that somebody looked at values."""
    model = access.schema_model_for(actor, model.pk)
    record(model, after={"trait": name})


def _known_by(schema: StudioSchema, model: StudioModel, taken: str) -> list[Output]:
    """The key, the labels, what joins a row to others, and when it happened."""
    joins = [pair[0] for each in schema.relationships.values() if each.from_ == model.id for pair in each.keys]
    labels = [model.primary_label, model.secondary_label]
    wanted = dict.fromkeys([*model.primary_key, *labels, *joins, model.timestamp])
    shown = {each.name for each in model.columns if each.may(Surface.PREVIEWS)}
    return [Output(name, field=Field(name)) for name in wanted if name and name in shown and name != taken]


def _unfit(found: Preview, declared: ColumnType | None) -> str:
    given = found.columns[-1].type
    if declared is None or not found.rows or all(row[-1] is None for row in found.rows):
        return ""
    same = {ColumnType.TIMESTAMP: MOMENTS, ColumnType.DATE: MOMENTS}.get(declared, frozenset({declared}))
    if given in same or declared is ColumnType.OBJECT:
        return ""
    return f"The source gives {given.value} where {declared.value} is chosen as the type of the result."
