"""Writes to destination rules: what a destination may get of a parent model. No audience changes by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audiences import access
from audiences.definitions import problems_of, schema_with_audiences
from audiences.models import DestinationRule, SchemaModel
from audiences.query.codec import load_definition
from audiences.query.errors import InvalidTree, Problem
from audiences.services.audiences import as_stored
from audiences.services.checks import checked_name, require_version
from config.errors import Invalid
from connectors.access import destination_for
from connectors.models import Destination
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.scoping import current_workspace_id

AUDITED = ("name", "definition", "enabled", "parent_model", "destination")


@service("destination_rule.created")
def create_destination_rule(
    *,
    actor: Actor,
    parent: SchemaModel,
    destination: Destination,
    name: str,
    definition: Any,
    enabled: bool = True,
) -> DestinationRule:
    """Add a rule: from the next run on, syncs of the parent model's rows to the destination obey it."""
    parent = access.parent_to_govern(actor, parent.pk)
    rule = DestinationRule(
        workspace_id=current_workspace_id(),
        parent_model=parent,
        destination=destination_for(actor, destination.pk, lock=True),
        name=checked_name(name, "rule"),
        definition=as_stored(parent, definition, problems_of_rule(parent, definition)),
        enabled=enabled,
        created_by_id=actor.user_id,
    )
    _check_name(rule)
    rule.save()
    record(rule, after=snapshot(rule, AUDITED))
    return rule


@service("destination_rule.updated")
def update_destination_rule(
    *,
    actor: Actor,
    rule: DestinationRule,
    name: str | None = None,
    definition: Any = None,
    enabled: bool | None = None,
    seen: str = "",
) -> DestinationRule:
    """Change a rule; what is ``None`` stays. Whom it newly leaves out counts as removed at the next run.

    Refused where it is not the version any more that was ``seen``.
    """
    rule = access.rule_to_change(actor, rule.pk)
    require_version(rule, seen)
    before = snapshot(rule, AUDITED)
    if name is not None:
        rule.name = checked_name(name, "rule")
        _check_name(rule)
    if definition is not None:
        rule.definition = as_stored(rule.parent_model, definition, problems_of_rule(rule.parent_model, definition))
    if enabled is not None:
        rule.enabled = enabled
    changed = changes(before, snapshot(rule, AUDITED))
    if not changed:
        unchanged()
        return rule
    rule.save()
    record(rule, before=changed.before, after=changed.after)
    return rule


@service("destination_rule.deleted")
def delete_destination_rule(*, actor: Actor, rule: DestinationRule) -> None:
    """Delete a rule: whom it left out is sent at the next run, where nothing else is in the way."""
    rule = access.rule_to_change(actor, rule.pk)
    record(rule, before=snapshot(rule, AUDITED))
    rule.delete()


def problems_of_rule(parent: SchemaModel, definition: Any) -> Sequence[Problem]:
    """Everything that is wrong with a rule's conditions."""
    try:
        if load_definition(definition).limit is not None:
            return [Problem(("limit",), "limit_unfit", "A rule has no limit: it is decided for each row by itself.")]
    except InvalidTree as error:
        return error.problems
    return problems_of(parent, definition, schema_with_audiences(parent.source))


def _check_name(rule: DestinationRule) -> None:
    same = DestinationRule.objects.filter(parent_model=rule.parent_model, destination=rule.destination, name=rule.name)
    if same.exclude(pk=rule.pk).exists():
        raise Invalid.field("name", f"“{rule.destination}” already has a rule “{rule.name}”.")
