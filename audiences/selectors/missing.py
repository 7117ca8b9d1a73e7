"""Why something is missing for somebody who builds audiences: the rule or right behind it, and who changes that."""

from __future__ import annotations

from dataclasses import dataclass

from audiences.choices import PRIVACY_WORDS, Privacy
from audiences.models import SchemaColumn, SchemaModel
from audiences.selectors.rules import destinations_with_rules
from audiences.selectors.subsets import choices_of
from governance.audit.actors import Actor
from workspaces.access import people_who_may, spaces_of
from workspaces.models import Space
from workspaces.permissions import Permission

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
    return [*_columns(parent, schema), *_subsets(actor, parent), *_rules(parent, schema), *_spaces(actor)]


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


def _schema_people(parent: SchemaModel) -> str:
    people = people_who_may({Permission.CONFIGURE_SCHEMA: parent.source_id})[:PEOPLE]
    return f"Who may configure the schema of {parent.source.name}: {', '.join(each.user.email for each in people)}"


def _admins() -> str:
    people = people_who_may({Permission.MANAGE_WORKSPACE: 0})[:PEOPLE]
    return ", ".join(each.user.email for each in people)


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join([*names[:NAMED], *([f"{more:,} more"] if more > 0 else [])])
