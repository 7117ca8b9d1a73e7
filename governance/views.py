"""The audit log of a workspace, and of the whole organization for its admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from config.errors import NotFound
from config.htmx import render_page
from config.ui.listing import Chip, Column, Filter, Listing
from governance import selectors
from governance.audit.models import AuditEntry
from governance.log import services
from governance.log.exporting import FORMATS, export_response
from governance.selectors import AuditFilter
from workspaces.access import may
from workspaces.models import Organization, Workspace
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires
from workspaces.scoping import organization_scope, workspace_scope

COLUMNS = (
    Column("When", fit=True),
    Column("Who"),
    Column("What"),
    Column("Type"),
    Column("Name"),
)
ORGANIZATION_COLUMNS = (*COLUMNS[:2], Column("Workspace"), *COLUMNS[2:])


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the table shows it."""

    entry: AuditEntry
    sentence: str
    kind: str
    workspace: str = ""

    @classmethod
    def of(cls, entry: AuditEntry, workspaces: Mapping[int, str] | None = None) -> Line:
        """With its words."""
        place = (workspaces or {}).get(entry.workspace_id or 0, "")
        return cls(entry, selectors.sentence(entry), selectors.kind_words(entry.resource_type), place)


class Log:
    """A log as one person asks for it: of their workspace, or of the organization."""

    def __init__(self, request: WorkspaceRequest, *, whole: bool) -> None:
        self.request, self.whole = request, whole
        self.route = "organization_audit" if whole else "audit"
        self.workspaces = _workspace_names(request.workspace.organization_id) if whole else {}
        self.listing = Listing(
            request, columns=ORGANIZATION_COLUMNS if whole else COLUMNS, filters=self._filters(), order="-pk"
        )
        asked = request.GET
        self.since, self.until = asked.get("since", ""), asked.get("until", "")
        self.resource = asked.get("resource", "")
        self.wanted = AuditFilter(
            query=self.listing.query,
            people=self.listing.chosen("person"),
            keys=() if whole else self.listing.chosen("key"),
            resources=self.listing.chosen("type"),
            resource=self.resource,
            events=self.listing.chosen("event"),
            workspaces=self.listing.chosen("workspace") if whole else (),
            since=selectors.parse_day(self.since),
            until=selectors.parse_day(self.until),
        )

    @property
    def rows(self) -> QuerySet[AuditEntry]:
        """What it shows; to be read in :meth:`scope`."""
        workspace = self.request.workspace
        if self.whole:
            return selectors.organization_entries(workspace.organization_id, self.wanted)
        return selectors.audit_entries(workspace, self.wanted, whole_organization=_sees_all(self.request))

    def scope(self) -> AbstractContextManager[None]:
        """Where its entries are seen, from within the request."""
        return organization_scope(self.request.workspace.organization_id) if self.whole else nullcontext()

    def scope_afterwards(self) -> AbstractContextManager[None]:
        """The same when the request's own scope has ended."""
        workspace = self.request.workspace
        return organization_scope(workspace.organization_id) if self.whole else workspace_scope(workspace.pk)

    def url(self, name: str, *args: Any) -> str:
        """The address of one of this log's pages: "log", "entry" or "export"."""
        return reverse(f"governance:{self.route}_{name}", args=[self.request.workspace.slug, *args])

    def lines(self, entries: Sequence[AuditEntry]) -> list[Line]:
        """Entries with their words."""
        return [Line.of(entry, self.workspaces) for entry in entries]

    def page(self) -> dict[str, Any]:
        """What the list shows."""
        with self.scope():
            page = self.listing.page(self.rows)
        query = self.request.GET.copy()
        for cursor in ("after", "before", "order"):
            query.pop(cursor, None)
        return {
            "log": self,
            "listing": self.listing,
            "page": page,
            "lines": self.lines(page.rows),
            "entry_base": self.url("entry", 0)[:-1],
            "exports": [(form, f"{self.url('export')}?{_with(query, format=form)}") for form in FORMATS],
            "dates": self._date_chips(),
            "narrowed": self.listing.narrowed or self.wanted.since or self.wanted.until or self.resource,
        }

    def _filters(self) -> list[Filter]:
        chosen = tuple(self.request.GET.getlist("person"))
        filters = [Filter.of("person", "Person", selectors.people_choices(chosen))]
        if self.whole:
            names = [(str(pk), name) for pk, name in self.workspaces.items()]
            filters.append(Filter.of("workspace", "Workspace", names))
        else:
            filters.append(Filter.of("key", "API key", selectors.key_choices()))
        filters.append(Filter.of("type", "Type", selectors.resource_choices()))
        filters.append(Filter.of("event", "Event", selectors.event_choices()))
        return filters

    def _date_chips(self) -> list[Chip]:
        """What is set besides the filters that the list knows."""
        resource_words = f"{selectors.kind_words(self.resource.partition(':')[0])} {self.resource.partition(':')[2]}"
        set_here = (("From", "since", self.since), ("To", "until", self.until), ("Only", "resource", self.resource))
        return [
            Chip(label, resource_words if name == "resource" else value, self.listing.url(**{name: None}))
            for label, name, value in set_here
            if value
        ]


@requires(Permission.MANAGE_WORKSPACE)
def audit_log(request: WorkspaceRequest) -> HttpResponse:
    """Who changed what in this workspace, newest first."""
    return _log_page(request, whole=False)


@requires(Permission.MANAGE_ORGANIZATION)
def organization_log(request: WorkspaceRequest) -> HttpResponse:
    """Who changed what in all workspaces, newest first."""
    return _log_page(request, whole=True)


@requires(Permission.MANAGE_WORKSPACE)
def audit_entry(request: WorkspaceRequest, entry_id: int) -> HttpResponse:
    """One entry with what it changed, and what else the same request did."""
    return _entry_page(request, entry_id, whole=False)


@requires(Permission.MANAGE_ORGANIZATION)
def organization_entry(request: WorkspaceRequest, entry_id: int) -> HttpResponse:
    """The same for an entry of any workspace of the organization."""
    return _entry_page(request, entry_id, whole=True)


@requires(Permission.MANAGE_WORKSPACE)
def audit_export(request: WorkspaceRequest) -> HttpResponseBase:
    """The workspace's log as a file, narrowed as the page is."""
    return _export(request, whole=False)


@requires(Permission.MANAGE_ORGANIZATION)
def organization_export(request: WorkspaceRequest) -> HttpResponseBase:
    """The organization's log as a file."""
    return _export(request, whole=True)


def _log_page(request: WorkspaceRequest, *, whole: bool) -> HttpResponse:
    context = Log(request, whole=whole).page() | {"sees_organization": _sees_all(request)}
    return render_page(request, "governance/audit_log.html", context)


def _entry_page(request: WorkspaceRequest, entry_id: int, *, whole: bool) -> HttpResponse:
    log = Log(request, whole=whole)
    organization_id = request.workspace.organization_id
    with log.scope():
        if whole:
            entry = selectors.organization_entry(organization_id, entry_id)
            others = selectors.same_request_anywhere(organization_id, entry)
        else:
            sees_all = _sees_all(request)
            entry = selectors.audit_entry(request.workspace, entry_id, whole_organization=sees_all)
            others = selectors.same_request(request.workspace, entry, whole_organization=sees_all)
    about = f"{log.url('log')}?resource={entry.resource_type}:{entry.resource_id}"
    context = {
        "line": Line.of(entry, log.workspaces),
        "entry": entry,
        "breadcrumb": [{"label": "Audit log", "url": log.url("log")}],
        "before": entry.before,
        "after": entry.after,
        "changed": entry.before is not None and entry.after is not None,
        "others": log.lines(others),
        "entry_base": log.url("entry", 0)[:-1],
        "about_url": about if entry.resource_id else "",
    }
    return render_page(request, "governance/audit_entry.html", context, part="governance/parts/audit_entry.html")


def _export(request: WorkspaceRequest, *, whole: bool) -> HttpResponseBase:
    log = Log(request, whole=whole)
    form = request.GET.get("format", "csv")
    if form not in FORMATS:
        raise NotFound("There is no such format: csv or json.")
    workspace = request.workspace
    place: Workspace | Organization = workspace
    if whole:
        place = Organization.objects.get(pk=workspace.organization_id)
    filters = {name: values for name, values in request.GET.lists() if any(values) and name != "format"}
    recorded = services.record_export(actor=request.actor, place=place, form=form, filters=filters)
    name = f"audit-log-{'organization' if whole else workspace.slug}"
    with log.scope():  # the filters look ids up
        rows = log.rows.filter(pk__lt=recorded.pk)
    return export_response(rows, form, name, partial(log.scope_afterwards))


def _workspace_names(organization_id: int) -> dict[int, str]:
    with organization_scope(organization_id):
        return dict(Workspace.objects.order_by("name", "id").values_list("pk", "name"))


def _sees_all(request: WorkspaceRequest) -> bool:
    return may(request.actor, Permission.MANAGE_ORGANIZATION)


def _with(query: Any, **changed: str) -> str:
    copy = query.copy()
    for name, value in changed.items():
        copy[name] = value
    return str(copy.urlencode())
