"""Which audiences one row of a parent model is in now, asked in the source by its key."""

from __future__ import annotations

from collections.abc import Sequence

from audiences.definitions import asker, grouped, schema_with_audiences
from audiences.models import Audience, SchemaModel
from audiences.query.codec import dump
from audiences.query.conditions import AudienceCondition, Definition, Group, Match
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.referring import audiences_in
from audiences.selectors.subsets import rows_within
from config.errors import Invalid
from connectors.access import open_source
from governance.audit.actors import Actor
from syncs.definitions import first_rows

AT_ONCE = 50  # audiences in one statement
SECONDS = 30.0


def memberships(actor: Actor, parent: SchemaModel, audiences: Sequence[Audience], key: str) -> list[Audience]:
    """Those of the audiences, all of this parent model, that the row with this key is in.

    Nobody with the key, or nobody whom the actor may see, is in none. Raises
    :class:`~connectors.sdk.errors.ConnectorError` where the source does not answer within :data:`SECONDS`.
    """
    if len(parent.primary_key) != 1:
        raise Invalid(f"The key of {parent.name} has several columns: one value does not say who is meant.")
    seen = _seen(actor, parent)
    named = {int(pk) for some in seen for each in some for pk in audiences_in(dump(each)) if pk.isdecimal()}
    schema = schema_with_audiences(parent.source, needed=named | {audience.pk for audience in audiences})
    readable = [audience for audience in audiences if str(audience.pk) in schema.audiences]
    within = [Group(match=Match.ANY, conditions=tuple(each.where for each in some)) for some in seen]
    found: list[Audience] = []
    for start in range(0, len(readable), AT_ONCE):
        some = readable[start : start + AT_ONCE]
        flags = _flags(parent, schema, some, within, key)
        found += [audience for audience, holds in zip(some, flags, strict=False) if holds]
    return found


def _seen(actor: Actor, parent: SchemaModel) -> tuple[tuple[Definition, ...], ...]:
    """The subsets outside of which the actor sees no rows."""
    return grouped(rows_within(actor, parent, ()))


def _flags(
    parent: SchemaModel, schema: StudioSchema, audiences: Sequence[Audience], within: Sequence[Group], key: str
) -> list[bool]:
    conditions = [AudienceCondition(audience=str(audience.pk)) for audience in audiences]
    where = Group(match=Match.ANY, conditions=(*conditions, *within))
    anyone = SavedAudience(id="", name="", model=str(parent.pk), definition=Definition(where=where))
    query, paths = asker(schema).explain(anyone, (key,))
    rows = first_rows(open_source(parent.source), query.sql(), 1, SECONDS)
    if not rows:
        return []
    holds = {path: bool(value) for path, value in zip(paths, rows[0], strict=True)}
    flags = [holds["where", "conditions", place] for place in range(len(where.conditions))]
    return [flag and all(flags[len(conditions) :]) for flag in flags[: len(conditions)]]
