"""Reads of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from django.db.models import Max, Min, Q, QuerySet

from config.errors import NotFound
from governance.audit import events
from governance.audit.models import AuditChain, AuditEntry
from governance.audit.searching import holding_words
from workspaces.models import ApiKey, OrganizationMember, Workspace
from workspaces.scoping import TenantModel, unscoped

SYSTEM = "system"
MOST_CHOICES = 200
# Clocks of several machines differ: ids and times of entries follow the same order but for this.
_DISORDER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to show: every part narrows; empty parts do not. ``since`` and ``until`` are whole days in UTC, both
    included; ``begin`` and ``end`` moments, of which the second is not.

    ``resource`` is one thing as "type:id"; ``keys`` are ids of API keys, ``people`` of persons or "system";
    ``correlation_id`` stands for everything one request or job did.
    """

    query: str = ""
    people: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource: str = ""
    events: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    begin: datetime | None = None
    end: datetime | None = None
    correlation_id: str = ""


def audit_entries(workspace: Workspace, wanted: AuditFilter, *, whole_organization: bool) -> QuerySet[AuditEntry]:
    """The log of a workspace; for organization admins with the entries of the organization itself."""
    place = Q(workspace_id=workspace.pk)
    if whole_organization:
        place |= Q(workspace_id=None, organization_id=workspace.organization_id)
    return narrowed(AuditEntry.objects.filter(place), wanted)


def organization_entries(organization_id: int, wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """The log of an organization with all its workspaces; to be read in the organization's scope."""
    return narrowed(AuditEntry.objects.filter(organization_id=organization_id), wanted)


def narrowed(rows: QuerySet[AuditEntry], wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """Only what the filter leaves."""
    if wanted.people or wanted.keys:
        rows = rows.filter(_by(wanted.people, wanted.keys))
    if wanted.resources:
        rows = rows.filter(resource_type__in=wanted.resources)
    if wanted.resource:
        kind, _, pk = wanted.resource.partition(":")
        rows = rows.filter(resource_type=kind, resource_id=_number(pk))
    if wanted.events:
        rows = rows.filter(event__in=wanted.events)
    if wanted.workspaces:
        rows = rows.filter(workspace_id__in=[_number(pk) for pk in wanted.workspaces])
    if wanted.correlation_id:
        rows = rows.filter(correlation_id=wanted.correlation_id)
    rows = _within(rows, wanted)
    return holding_words(rows, wanted.query) if wanted.query else rows


def audit_entry(workspace: Workspace, entry_id: int, *, whole_organization: bool) -> AuditEntry:
    """One entry of the same log."""
    return _one(audit_entries(workspace, AuditFilter(), whole_organization=whole_organization), entry_id)


def organization_entry(organization_id: int, entry_id: int) -> AuditEntry:
    """One entry of an organization's log; to be read in its scope."""
    return _one(organization_entries(organization_id, AuditFilter()), entry_id)


def same_request(workspace: Workspace, entry: AuditEntry, *, whole_organization: bool) -> list[AuditEntry]:
    """What else the same request or job did, at most 20 entries."""
    rows = audit_entries(workspace, AuditFilter(), whole_organization=whole_organization)
    return _beside(rows, entry)


def same_request_anywhere(organization_id: int, entry: AuditEntry) -> list[AuditEntry]:
    """The same in all workspaces of an organization; to be read in its scope."""
    return _beside(organization_entries(organization_id, AuditFilter()), entry)


def activity_of(resource_type: str, row: TenantModel) -> QuerySet[AuditEntry]:
    """What the log says of one thing of a workspace, newest first."""
    return AuditEntry.objects.filter(workspace_id=row.workspace_id, resource_type=resource_type, resource_id=row.pk)


def chain_of(organization_id: int) -> AuditChain | None:
    """Where the organization's chain begins and ends, and whether it verified; nothing before its first entry."""
    return AuditChain.objects.filter(organization_id=organization_id).first()


def people_choices(chosen: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Who may stand in the log: the organization's people (the first 200, and those chosen), and Headrace itself."""
    people = OrganizationMember.objects.select_related("user").order_by("user__email")
    wanted = people.filter(user_id__in=[int(one) for one in chosen if _number(one)]) if chosen else ()
    members = {m.user_id: m.user.display_name for m in (*islice(people[:MOST_CHOICES], MOST_CHOICES), *wanted)}
    return [*((str(pk), name) for pk, name in members.items()), (SYSTEM, "Headrace")]


def key_choices() -> list[tuple[str, str]]:
    """The workspace's API keys, newest first, revoked ones too."""
    return [(str(pk), name) for pk, name in ApiKey.objects.order_by("-pk").values_list("pk", "name")[:MOST_CHOICES]]


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


def parse_day(text: str) -> date | None:
    """A day as the address gives it; anything else is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day < date.max else None


def _one(rows: QuerySet[AuditEntry], entry_id: int) -> AuditEntry:
    entry = rows.filter(pk=entry_id).first() if entry_id < 2**63 else None
    if entry is None:
        raise NotFound("There is no such entry in this audit log.")
    return entry


def _beside(rows: QuerySet[AuditEntry], entry: AuditEntry) -> list[AuditEntry]:
    return list(rows.filter(correlation_id=entry.correlation_id).exclude(pk=entry.pk).order_by("pk")[:20])


def _by(people: tuple[str, ...], keys: tuple[str, ...]) -> Q:
    chosen = Q(user_id__in=[_number(person) for person in people if person != SYSTEM], actor_kind="person")
    if keys:
        chosen |= Q(actor_kind="api_key", actor_id__in=[_number(key) for key in keys])
    if not people and keys:
        return Q(actor_kind="api_key", actor_id__in=[_number(key) for key in keys])
    return chosen | Q(actor_kind=SYSTEM) if SYSTEM in people else chosen


def _number(text: str) -> int:
    """An id of the address; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _within(rows: QuerySet[AuditEntry], wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """By time; also by ids, since entries are read in the order of their ids and old ones lie far from the end."""
    start, end = wanted.begin, wanted.end
    if wanted.since:
        start = _midnight(wanted.since)
    if wanted.until:
        end = _midnight(wanted.until + timedelta(days=1))
    if start:
        rows = rows.filter(at__gte=start, pk__gte=_edge(start, Min, "at", lambda at: at))
    if end:
        rows = rows.filter(at__lt=end, pk__lte=_edge(end, Max, "-at", lambda at: at - 2 * _DISORDER))
    return rows


def _edge(moment: datetime, which: type[Min | Max], order: str, window: Callable[[datetime], datetime]) -> int:
    """The outermost id that an entry of that moment can have: two looks into the index of times."""
    beyond = 2**63 - 1 if which is Min else 0
    near = Q(at__gte=moment - _DISORDER) if which is Min else Q(at__lt=moment + _DISORDER)
    with unscoped("only an id is taken, to begin reading near a day"):
        at = AuditEntry.objects.filter(near).order_by(order).values_list("at", flat=True).first()
        if at is None:
            return beyond
        around = AuditEntry.objects.filter(at__gte=window(at), at__lte=window(at) + 2 * _DISORDER)
        return int(around.order_by().aggregate(edge=which("pk"))["edge"] or beyond)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
