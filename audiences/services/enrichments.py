"""Writes to the columns that the members of an audience have in this audience alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from audiences import access
from audiences.definitions import schema_with_audiences
from audiences.models import Audience, Trait
from audiences.query.codec import dump, load_group, load_trait
from audiences.query.conditions import Group
from audiences.query.errors import InvalidTree
from audiences.query.statements import Output
from audiences.services.checks import checked_name
from audiences.services.syncing import follow_audience
from audiences.trait_checks import problems_of_output, stored_trait
from config.errors import Conflict, Invalid, NotFound
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs.selectors.models import syncs_reading

MOST = 100
Enrichment = dict[str, Any]


@service("audience.enrichment_added")
def add_enrichment(
    *,
    actor: Actor,
    audience: Audience,
    name: str,
    trait: int | None = None,
    definition: Any = None,
    where: Any = None,
) -> Enrichment:
    """Give the members a column: the value of a saved trait or template, or of one that is defined here.

    ``where`` narrows the rows that it is calculated from.
    """
    audience = access.audience_to_change(actor, audience.pk)
    if len(audience.enrichments) >= MOST:
        raise Conflict(f"An audience has at most {MOST} columns of its own.")
    made = _made(audience, {"id": secrets.token_hex(4)}, name, trait, definition, where)
    audience.enrichments = [*audience.enrichments, made]
    audience.save(update_fields=["enrichments", "updated_at"])
    follow_audience(audience)
    record(audience, after={"enrichment": made})
    return made


@service("audience.enrichment_changed")
def change_enrichment(
    *,
    actor: Actor,
    audience: Audience,
    enrichment: str,
    name: str | None = None,
    trait: int | None = None,
    definition: Any = None,
    where: Any = None,
) -> Enrichment:
    """Change one of the columns; what is ``None`` stays. Another trait takes the place of a definition."""
    audience = access.audience_to_change(actor, audience.pk)
    old = enrichment_of(audience, enrichment)
    about = (trait, definition)
    if trait is None and definition is None:
        about = (int(old["trait"]) if old.get("trait") else None, old.get("definition"))
    chosen = name if name is not None else old["name"]
    made = _made(audience, {"id": old["id"]}, chosen, *about, old.get("where") if where is None else where)
    if made["name"] != old["name"]:
        _require_unsent(actor, audience, old["name"])
    if made == old:
        unchanged()
        return old
    audience.enrichments = [made if each["id"] == old["id"] else each for each in audience.enrichments]
    audience.save(update_fields=["enrichments", "updated_at"])
    follow_audience(audience)
    record(audience, before={"enrichment": old}, after={"enrichment": made})
    return made


@service("audience.enrichment_removed")
def remove_enrichment(*, actor: Actor, audience: Audience, enrichment: str) -> None:
    """Take a column away."""
    audience = access.audience_to_change(actor, audience.pk)
    old = enrichment_of(audience, enrichment)
    _require_unsent(actor, audience, old["name"])
    audience.enrichments = [each for each in audience.enrichments if each["id"] != old["id"]]
    audience.save(update_fields=["enrichments", "updated_at"])
    follow_audience(audience)
    record(audience, before={"enrichment": old})


def enrichment_of(audience: Audience, enrichment: str) -> Enrichment:
    """The one with this id."""
    found: Enrichment | None = next((each for each in audience.enrichments if each["id"] == enrichment), None)
    if found is None:
        raise NotFound(f"“{audience.name}” has no such column.")
    return found


def _require_unsent(actor: Actor, audience: Audience, name: str) -> None:
    """Raise where syncs of the audience know the column by its name."""
    if audience.model_id and (syncs := syncs_reading(actor, [audience.model_id], name)):
        named = ", ".join(f"“{sync}”" for sync in syncs[:5])
        raise Conflict(f"“{name}” is sent by {named}.", hint="Take it out of the mapping first.")


def _made(
    audience: Audience, begin: Mapping[str, Any], name: str, trait: int | None, definition: Any, where: Any
) -> Enrichment:
    """A whole enrichment as it is stored. Raises :class:`Invalid`."""
    if (trait is None) == (definition is None):
        raise Invalid.field("trait", "Choose a trait, or define what is calculated.")
    made: Enrichment = {**begin, "name": _clean_name(audience, name, str(begin["id"]))}
    if trait is not None:
        row = Trait.objects.filter(pk=trait, model_id=audience.parent_model_id).first()
        if row is None:
            raise Invalid.field("trait", f"Choose a trait of {audience.parent_model.name}.")
        made["trait"] = str(row.pk)
    schema, model = schema_with_audiences(audience.parent_model.source), str(audience.parent_model_id)
    try:
        if definition is not None:
            made["definition"] = stored_trait(schema, model, definition)
        group = load_group(where) if where else Group()
    except InvalidTree as error:
        field = "definition" if definition is not None else "where"
        raise Invalid(str(error), fields={f"{field}{error.problems[0].pointer}": str(error)}) from None
    if group.conditions:
        made["where"] = dump(group)
    tree = load_trait(made["definition"]) if "definition" in made else None
    output = Output(made["name"], trait=made.get("trait"), definition=tree, where=group)
    if problems := problems_of_output(schema, model, output):
        raise Invalid(problems[0].message, fields={"": problems[0].message}, hint="Change the trait or its conditions.")
    return made


def _clean_name(audience: Audience, name: str, own: str) -> str:
    cleaned = checked_name(name, "column")
    same = cleaned.casefold()
    parent = audience.parent_model
    taken = {str(each["name"]).casefold() for each in audience.enrichments if each["id"] != own}
    taken |= {column.casefold() for column in parent.columns.filter(missing=False).values_list("name", flat=True)}
    traits = Trait.objects.filter(model=parent, is_template=False).values_list("name", flat=True)
    if same in taken | {each.casefold() for each in traits}:
        raise Invalid.field("name", f"Members have a column or trait “{cleaned}” already.")
    return cleaned
