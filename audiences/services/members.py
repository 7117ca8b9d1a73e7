"""The first members of an audience, as far as the person and the privacy of each column allow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audiences import access
from audiences.approximate import asking
from audiences.definitions import given, problems_of, schema_with_audiences, subsets_of, unseen_in
from audiences.models import Audience, SchemaModel, Subset
from audiences.query.conditions import Field
from audiences.query.layers import Plan, members
from audiences.query.schema import StudioModel, StudioSchema, Surface
from audiences.query.statements import Output
from audiences.selectors.rules import rules_for
from audiences.selectors.subsets import rows_within
from audiences.selectors.traits import enrichment_outputs
from audiences.trait_checks import problems_of_output
from config.errors import Invalid
from connectors.models import Destination
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs.choices import ModelMethod
from syncs.definitions import PREVIEW_ROWS, Definition, Preview, preview


def preview_members(
    *,
    actor: Actor,
    parent: SchemaModel,
    definition: Any,
    audience: Audience | None = None,
    subset_ids: Iterable[int] | None = None,
    destination: Destination | None = None,
    limit: int = PREVIEW_ROWS,
    sampled: bool = False,
) -> Preview:
    """The first members in the subsets that the person may see; values that a column's privacy hides are not asked for.

    With a ``destination`` only those whom its rules let through, with ``sampled`` only those in the sample.
    """
    parent = access.parent_model_for(actor, parent.pk)
    access.require_view_rows(actor, parent)
    schema = schema_with_audiences(parent.source)
    chosen = meant_subsets(parent, audience, subset_ids)
    problems = problems_of(parent, definition, schema, audience, chosen)
    if problems := problems or unseen_in(actor, definition, schema, audience):
        raise Invalid(problems[0].message, hint="Correct the conditions that are marked.")
    meant = given(parent, definition, audience, rows_within(actor, parent, chosen))
    record_members_preview(actor=actor, parent=parent, audience=audience)
    model = schema.models[str(parent.pk)]
    outputs = [*member_outputs(model), *_own(audience, schema)]
    rules = rules_for(parent.pk, destination.pk) if destination else ()
    plan = Plan(audience=meant, rules=rules)
    ask = asking(schema, parent, sampled=sampled)
    query = members(ask, plan, outputs, surface=Surface.PREVIEWS, rows=limit)
    return preview(parent.source, Definition(method=ModelMethod.SQL, sql=query.sql()), limit=limit)


def meant_subsets(parent: SchemaModel, audience: Audience | None, subset_ids: Iterable[int] | None) -> list[Subset]:
    """The subsets of a preview: those that the page says, or the audience's own."""
    if subset_ids is None:
        return subsets_of(audience) if audience else []
    return list(Subset.objects.filter(category__parent_model=parent, pk__in=set(subset_ids)))


def member_outputs(model: StudioModel) -> list[Output]:
    """The labels first, then the other columns that people see."""
    shown = [each for each in model.columns if each.enabled and each.may(Surface.PREVIEWS)]
    first = [label for label in (model.primary_label, model.secondary_label) if label]
    ordered = sorted(shown, key=lambda each: first.index(each.name) if each.name in first else len(first))
    return [Output(each.name, field=Field(each.name)) for each in ordered]


def _own(audience: Audience | None, schema: StudioSchema) -> list[Output]:
    """The columns of the audience's own that may be seen."""
    if audience is None:
        return []
    model, surface = str(audience.parent_model_id), Surface.PREVIEWS
    found = enrichment_outputs(audience)
    return [each for each in found if not problems_of_output(schema, model, each, surface=surface)]


@service("schema_model.members_previewed")
def record_members_preview(*, actor: Actor, parent: SchemaModel, audience: Audience | None) -> None:
    """Remember that somebody looked at members."""
    parent = access.parent_model_for(actor, parent.pk)
    record(parent, after={"audience": audience.name if audience else ""})
