"""Why something is missing for somebody who builds audiences: the rule or right behind it, and who changes that."""

from __future__ import annotations

from dataclasses import dataclass

from audiences.access import ADD_SYNC, may_view_rows
from audiences.choices import PRIVACY_WORDS, Privacy
from audiences.models import SchemaColumn, SchemaModel
from audiences.selectors.rules import destinations_with_rules
from audiences.selectors.subsets import choices_of
from connectors.selectors import destinations
from governance.approvals.access import policy_here
from governance.audit.actors import Actor
from workspaces.access import may, people_who_may, spaces_of
from workspaces.models import Space
from workspaces.permissions import CONFIGURE_TO_DESTINATION, Permission

PUBLISH = (Permission.CONFIGURE_AUDIENCES, *CONFIGURE_TO_DESTINATION)
NAMED = 6
PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is not there: what, by which rule, and who can change that."""

    what: str
    why: str
    who: str


def what_is_missing(actor: Actor, parent: SchemaModel) -> list[Missing]:
    """All that a builder's page keeps from this person, or from everybody."""
    schema = _schema_people(parent)
    about_data = [*_rows(actor, parent), *_columns(parent, schema), *_subsets(actor, parent), *_rules(parent, schema)]
    return [*about_data, *_spaces(actor), *_sending(actor, parent)]


def _rows(actor: Actor, parent: SchemaModel) -> list[Missing]:
    if may_view_rows(actor, parent):
        return []
    why = f"None of your groups may view row data of {parent.name}. Sizes and charts show what there is in all."
    return [Missing("Preview members, and who they are", why, f"A workspace admin: {_admins()}")]


def _columns(parent: SchemaModel, who: str) -> list[Missing]:
    hidden = (Privacy.BLOCKED, Privacy.SYNC_ONLY)
    rows = list(SchemaColumn.objects.filter(model=parent, missing=False))
    off = [row.title for row in rows if not row.enabled]
    found = [Missing(_some(off), "Switched off in the schema, so no filter offers it.", who)] if off else []
    for level in hidden:
        titles = [row.title for row in rows if row.enabled and row.privacy == level]
        if titles:
            found.append(Missing(_some(titles), f"{level.label}: {PRIVACY_WORDS[level]}", who))
    redacted = [row.title for row in rows if row.enabled and row.privacy == Privacy.REDACTED]
    if redacted:
        found.append(Missing(f"Values of {_some(redacted)}", f"Redacted: {PRIVACY_WORDS[Privacy.REDACTED]}", who))
    return found


def _subsets(actor: Actor, parent: SchemaModel) -> list[Missing]:
    found = []
    for choice in choices_of(actor, parent):
        others = [subset.name for subset in choice.subsets if subset.pk not in choice.held]
        if others:
            why = f"Subsets of “{choice.category}” that none of your roles holds."
            found.append(Missing(_some(others), why, f"A workspace admin: {_admins()}"))
    return found


def _rules(parent: SchemaModel, who: str) -> list[Missing]:
    names = [destination.name for destination in destinations_with_rules(parent.pk)]
    if not names:
        return []
    why = "Destination rules keep them from being sent there. They stay in the audience."
    return [Missing(f"Some {parent.name} at {_some(names)}", why, who)]


def _spaces(actor: Actor) -> list[Missing]:
    seen = spaces_of(actor)
    if seen is None or not Space.objects.exclude(pk__in=seen).exists():
        return []
    why = "Audiences and syncs of spaces that your groups do not see."
    return [Missing("Audiences of other teams", why, f"A workspace admin: {_admins()}")]


def _sending(actor: Actor, parent: SchemaModel) -> list[Missing]:
    """Where this person's syncs may not go, or not without somebody's yes."""
    rows = list(destinations().values_list("pk", "name"))
    drafting = {pk for pk, _ in rows if may(actor, ADD_SYNC, parent_model_id=parent.pk, destination_id=pk)}
    publishing = {pk for pk in drafting if may(actor, PUBLISH, parent_model_id=parent.pk, destination_id=pk)}
    found = []
    if closed := [name for pk, name in rows if pk not in drafting]:
        why = f"None of your groups may both build on {parent.name} and draft syncs to it."
        found.append(Missing(f"Sending to {_some(closed)}", why, f"A workspace admin: {_admins()}"))
    waits = _waits([name for pk, name in rows if pk in drafting - publishing])
    return [*found, waits] if waits else found


def _waits(drafted: list[str]) -> Missing | None:
    """Why syncs do not run before somebody approves; ``drafted`` is where this person may only propose them."""
    policy = policy_here()
    if policy.needs_others:
        needs = "somebody else approves" if policy.approvers == 1 else f"{policy.approvers} people approve"
        why = f"In this workspace a sync runs once {needs} it. Audiences themselves need no approval."
        return Missing("Syncs that run at once", why, f"A workspace admin: {_admins()}")
    if not drafted:
        return None
    why = "You may draft syncs there; they run once somebody with the right to approve says yes."
    return Missing(f"Syncs to {_some(drafted)} that run at once", why, f"A workspace admin: {_admins()}")


def _schema_people(parent: SchemaModel) -> str:
    people = people_who_may({Permission.CONFIGURE_SCHEMA: parent.source_id})[:PEOPLE]
    return f"Who may configure the schema of {parent.source.name}: {', '.join(each.user.email for each in people)}"


def _admins() -> str:
    people = people_who_may({Permission.MANAGE_WORKSPACE: 0})[:PEOPLE]
    return ", ".join(each.user.email for each in people)


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join([*names[:NAMED], *([f"{more:,} more"] if more > 0 else [])])
