"""The audit log."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse

from config.htmx import render_page
from config.ui.listing import Column, Filter, Listing
from governance import selectors
from governance.audit.models import AuditEntry
from workspaces.access import may
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = (
    Column("When", fit=True),
    Column("Who"),
    Column("What"),
    Column("Type"),
    Column("Name"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the table shows it."""

    entry: AuditEntry
    sentence: str
    kind: str

    @classmethod
    def of(cls, entry: AuditEntry) -> Line:
        """With its words."""
        return cls(entry, selectors.sentence(entry), selectors.kind_words(entry.resource_type))


@requires(Permission.MANAGE_WORKSPACE)
def audit_log(request: WorkspaceRequest) -> HttpResponse:
    """Who changed what, newest first."""
    filters = [
        Filter.of("person", "Person", selectors.people_choices()),
        Filter.of("type", "Type", selectors.resource_choices()),
        Filter.of("event", "Event", selectors.event_choices()),
    ]
    listing = Listing(request, columns=COLUMNS, filters=filters, order="-pk")
    since, until = request.GET.get("since", ""), request.GET.get("until", "")
    wanted = selectors.AuditFilter(
        query=listing.query,
        people=listing.chosen("person"),
        resources=listing.chosen("type"),
        events=listing.chosen("event"),
        since=selectors.parse_day(since),
        until=selectors.parse_day(until),
    )
    page = listing.page(selectors.audit_entries(request.workspace, wanted, whole_organization=_sees_all(request)))
    context = {
        "listing": listing,
        "page": page,
        "lines": [Line.of(entry) for entry in page.rows],
        "since": since,
        "until": until,
        "narrowed": listing.narrowed or wanted.since or wanted.until,
    }
    return render_page(request, "governance/audit_log.html", context)


@requires(Permission.MANAGE_WORKSPACE)
def audit_entry(request: WorkspaceRequest, entry_id: int) -> HttpResponse:
    """One entry with what it changed, and what else the same request did."""
    sees_all = _sees_all(request)
    entry = selectors.audit_entry(request.workspace, entry_id, whole_organization=sees_all)
    others = selectors.same_request(request.workspace, entry, whole_organization=sees_all)
    context = {
        "entry": entry,
        "breadcrumb": [{"label": "Audit log", "url": reverse("governance:audit_log", args=[request.workspace.slug])}],
        "sentence": selectors.sentence(entry),
        "kind": selectors.kind_words(entry.resource_type),
        "before": entry.before or {},
        "after": entry.after or {},
        "others": [Line.of(other) for other in others],
    }
    return render_page(request, "governance/audit_entry.html", context, part="governance/parts/audit_entry.html")


def _sees_all(request: WorkspaceRequest) -> bool:
    return may(request.actor, Permission.MANAGE_ORGANIZATION)
