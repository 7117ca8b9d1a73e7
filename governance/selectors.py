"""Reads of the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from config.errors import NotFound
from governance.audit import events
from governance.audit.models import AuditEntry
from workspaces.models import OrganizationMember, Workspace
from workspaces.scoping import TenantModel

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to show: every part narrows; empty parts do not. Dates are whole days in UTC, both included."""

    query: str = ""
    people: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


def audit_entries(workspace: Workspace, wanted: AuditFilter, *, whole_organization: bool) -> QuerySet[AuditEntry]:
    """The log of a workspace; for organization admins with the entries of the organization itself."""
    place = Q(workspace_id=workspace.pk)
    if whole_organization:
        place |= Q(workspace_id=None, organization_id=workspace.organization_id)
    rows = AuditEntry.objects.filter(place)
    if wanted.query:
        rows = rows.filter(Q(resource_label__icontains=wanted.query) | Q(actor_label__icontains=wanted.query))
    if wanted.people:
        rows = rows.filter(_by(wanted.people))
    if wanted.resources:
        rows = rows.filter(resource_type__in=wanted.resources)
    if wanted.events:
        rows = rows.filter(event__in=wanted.events)
    if wanted.since:
        rows = rows.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    return rows


def audit_entry(workspace: Workspace, entry_id: int, *, whole_organization: bool) -> AuditEntry:
    """One entry of the same log."""
    rows = audit_entries(workspace, AuditFilter(), whole_organization=whole_organization)
    entry = rows.filter(pk=entry_id).first()
    if entry is None:
        raise NotFound("There is no such entry in this workspace's audit log.")
    return entry


def same_request(workspace: Workspace, entry: AuditEntry, *, whole_organization: bool) -> list[AuditEntry]:
    """What else the same request or job did, at most 20 entries."""
    rows = audit_entries(workspace, AuditFilter(), whole_organization=whole_organization)
    return list(rows.filter(correlation_id=entry.correlation_id).exclude(pk=entry.pk)[:20])


def activity_of(resource_type: str, row: TenantModel) -> QuerySet[AuditEntry]:
    """What the log says of one thing of a workspace, newest first."""
    return AuditEntry.objects.filter(workspace_id=row.workspace_id, resource_type=resource_type, resource_id=row.pk)


def people_choices() -> list[tuple[str, str]]:
    """Who may stand in the log: the organization's people, and Headrace itself."""
    people = OrganizationMember.objects.select_related("user").order_by("user__email")
    return [*((str(m.user_id), m.user.display_name) for m in people), (SYSTEM, "Headrace")]


def resource_choices() -> list[tuple[str, str]]:
    """Every type of thing an event speaks of."""
    kinds = sorted({event.resource_type for event in events.all_types()})
    return [(kind, kind_words(kind)) for kind in kinds]


def kind_words(resource_type: str) -> str:
    """A type of thing in words: "Group role"."""
    words = resource_type.replace("_", " ").capitalize()
    return words.replace("Api ", "API ")


def event_choices() -> list[tuple[str, str]]:
    """Every event in words."""
    return [(event.name, event.sentence[:1].upper() + event.sentence[1:]) for event in events.all_types()]


def sentence(entry: AuditEntry) -> str:
    """What happened, completing "<actor> …"; entries of events that no longer exist keep their name."""
    try:
        return events.get(entry.event).sentence
    except events.UnknownEventType:
        return entry.event


def _by(people: tuple[str, ...]) -> Q:
    ids = [int(person) for person in people if person.isdecimal()]
    chosen = Q(user_id__in=ids)
    return chosen | Q(actor_kind=SYSTEM) if SYSTEM in people else chosen


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def parse_day(text: str) -> date | None:
    """A day as the address gives it; anything else is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day < date.max else None
