"""Looking people up, forgetting them, what is held, and for how long."""

from __future__ import annotations

import json

from django.forms import Form
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from config.errors import HeadraceError, Invalid, NotFound
from config.htmx import go_to, render_page
from config.streaming import StreamedFile
from config.ui.listing import Column, Filter, Listing
from governance.privacy import services
from governance.privacy.access import case_for
from governance.privacy.choices import CaseState
from governance.privacy.evidence import case_evidence, resource_evidence
from governance.privacy.findings import counts_of, entries_about, shown_findings, split_entries
from governance.privacy.forms import ErasureForm, LookUpForm, RetentionForm
from governance.privacy.models import PersonCase, Retention
from governance.privacy.registry import Holding, holders
from governance.privacy.services.retention import FIELDS
from governance.selectors import sentence
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = (
    Column("Status", fit=True),
    Column("Person"),
    Column("Looked in"),
    Column("Asked by"),
    Column("When", fit=True),
)
STATES = Filter.of("state", "Status", list(CaseState.choices))
SENT_COLUMNS = (
    Column("What", fit=True),
    Column("Result", fit=True),
    Column("Key"),
    Column("Run"),
    Column("Started by"),
    Column("Requests"),
)
REPORT_COLUMNS = (Column("What"), Column("Where"), Column("How many", numeric=True))
ACTIONS = {"confirm": "Confirmed. The erasure has begun.", "withdraw": "Withdrawn.", "discard": "Deleted."}


@requires(Permission.MANAGE_WORKSPACE)
def people(request: WorkspaceRequest) -> HttpResponse:
    """The cases, and the form that begins one."""
    form = LookUpForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.start_look_up(actor=request.actor, **form.cleaned_data)
            return go_to(request, made.get_absolute_url())
        except Invalid as error:
            show_errors(form, error)
    listing = Listing(request, columns=COLUMNS, filters=[STATES], order="-pk")
    cases = PersonCase.objects.all()
    if chosen := listing.chosen("state"):
        cases = cases.filter(state__in=chosen)
    context = {"form": form, "listing": listing, "page": listing.page(cases)}
    return render_page(request, "privacy/people.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_WORKSPACE)
def case(request: WorkspaceRequest, case_id: int) -> HttpResponse:
    """One case: what was found, or what was erased."""
    return _case_page(request, case_for(request.actor, case_id), ErasureForm())


@requires(Permission.MANAGE_WORKSPACE)
def erasure(request: WorkspaceRequest, case_id: int) -> HttpResponse:
    """Ask for the person to be forgotten."""
    found = case_for(request.actor, case_id)
    form = ErasureForm(request.POST or None)
    if form.is_valid():
        try:
            services.request_erasure(actor=request.actor, case=found, **form.cleaned_data)
            return go_to(request, found.get_absolute_url(), "Asked for. Somebody has to confirm it now.")
        except Invalid as error:
            show_errors(form, error)
        except HeadraceError as error:
            return go_to(request, found.get_absolute_url(), error.message, tone="bad")
    return _case_page(request, found, form)


@requires(Permission.MANAGE_WORKSPACE)
def decide(request: WorkspaceRequest, case_id: int, action: str) -> HttpResponse:
    """Confirm, withdraw, resume or discard."""
    found = case_for(request.actor, case_id)
    to = found.get_absolute_url()
    if request.method != "POST":
        return go_to(request, to)
    try:
        if action == "confirm":
            if request.POST.get("confirm_name", "").strip() != _confirm_word(found):
                return go_to(request, to, f"Type “{_confirm_word(found)}” to confirm.", tone="bad")
            services.confirm_erasure(actor=request.actor, case=found)
        elif action == "withdraw":
            services.withdraw_erasure(actor=request.actor, case=found)
        elif action == "discard":
            services.discard_case(actor=request.actor, case=found)
            to = reverse("privacy:people", args=[request.workspace.slug])
        elif action in ("again", "anyway"):
            services.resume_erasure(actor=request.actor, case=found, anyway=action == "anyway")
        else:
            raise NotFound("There is no such action.")
    except HeadraceError as error:
        return go_to(request, to, error.message, tone="bad")
    return go_to(request, to, ACTIONS.get(action, "Going on."))


@requires(Permission.MANAGE_WORKSPACE)
@require_safe
def report(request: WorkspaceRequest, case_id: int) -> HttpResponse:
    """What was erased, as a file."""
    found = case_for(request.actor, case_id)
    if found.report is None:
        raise NotFound("Nothing was erased for this case.")
    response = HttpResponse(json.dumps(found.report, indent=2, ensure_ascii=False), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="erasure-{found.pk}.json"'
    return response


@requires(Permission.MANAGE_WORKSPACE)
def evidence(request: WorkspaceRequest, case_id: int) -> HttpResponse | StreamedFile:
    """Everything about the case as one archive."""
    found = case_for(request.actor, case_id)
    if request.method != "POST" or found.searching:
        return go_to(request, found.get_absolute_url())
    file = case_evidence(request.actor, found)
    return StreamedFile(file, as_attachment=True, filename=f"evidence-case-{found.pk}.zip")


@requires(Permission.MANAGE_WORKSPACE)
def evidence_of(request: WorkspaceRequest, kind: str, pk: int) -> HttpResponse | StreamedFile:
    """Everything about one model or sync as one archive."""
    if request.method != "POST":
        raise NotFound("Evidence about a thing is asked for by a form.")
    file = resource_evidence(request.actor, request.workspace, kind, pk)
    return StreamedFile(file, as_attachment=True, filename=f"evidence-{kind}-{pk}.zip")


@requires(Permission.MANAGE_WORKSPACE)
def holdings(request: WorkspaceRequest) -> HttpResponse:
    """Everything that is held in the workspace, and deleting what is not needed."""
    if request.method == "POST":
        return _delete_held(request)
    return _holdings_page(request, None)


@requires(Permission.MANAGE_WORKSPACE)
def source_holdings(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """What is held of one source."""
    if source_id not in _sources():
        raise NotFound("There is no such source here, or nothing came from it.")
    if request.method == "POST":
        return _delete_held(request)
    return _holdings_page(request, source_id)


@requires(Permission.MANAGE_WORKSPACE)
def retention(request: WorkspaceRequest) -> HttpResponse:
    """How long the workspace's data is kept."""
    found = Retention.objects.first()
    initial = {name: getattr(found, name) for name in FIELDS} if found else {}
    form = RetentionForm(request.POST or None, initial=initial)
    if form.is_valid():
        services.set_retention(actor=request.actor, **form.cleaned_data)
        return go_to(request, request.path, "Saved. What is past its time is deleted within minutes.")
    return render_page(request, "privacy/retention.html", {"form": form}, status=422 if form.errors else 200)


def _case_page(request: WorkspaceRequest, found: PersonCase, form: Form) -> HttpResponse:
    findings = shown_findings(request.actor, found)
    decisions, views = split_entries(entries_about(found)) if findings else ([], [])
    if findings:
        services.note_view(actor=request.actor, case=found)
    context = {
        "case": found,
        "form": form,
        "findings": findings,
        "counts": counts_of(findings),
        "sent_columns": SENT_COLUMNS,
        "report_columns": REPORT_COLUMNS,
        "decisions": [{"entry": entry, "sentence": sentence(entry)} for entry in decisions],
        "views": [{"entry": entry, "sentence": sentence(entry)} for entry in views],
        "confirm_word": _confirm_word(found),
        "percent": found.done * 100 // found.total if found.total else None,
        "breadcrumb": [{"label": "People look-up", "url": reverse("privacy:people", args=[request.workspace.slug])}],
        "opened": bool(form.errors),
    }
    return render_page(request, "privacy/case.html", context, status=422 if form.errors else 200)


def _confirm_word(case: PersonCase) -> str:
    return f"forget {case.pk}"


def _sources() -> dict[int, str]:
    return dict(pair for holder in holders().values() for pair in holder.sources())


def _holdings_page(request: WorkspaceRequest, source_id: int | None) -> HttpResponse:
    sources = _sources()
    found: list[tuple[str, Holding]] = [
        (name, line) for name, holder in holders().items() for line in holder.holdings(source_id)
    ]
    context = {
        "lines": [{"holder": name, "line": line} for name, line in found],
        "total": sum(line.size or 0 for _, line in found),
        "columns": HOLDING_COLUMNS,
        "whole": source_id is None,
        "source": sources.get(source_id or 0, ""),
        "sources": list(sources.items()) if source_id is None else [],
        "breadcrumb": [{"label": "What is held", "url": reverse("privacy:holdings", args=[request.workspace.slug])}]
        if source_id is not None
        else [],
    }
    return render_page(request, "privacy/holdings.html", context)


HOLDING_COLUMNS = (
    Column("What"),
    Column("Of"),
    Column("Where"),
    Column("Bytes", numeric=True),
    Column("Rows", numeric=True),
    Column("Oldest", fit=True),
    Column("Kept"),
    Column("Actions", fit=True, hidden_label=True),
)


def _delete_held(request: WorkspaceRequest) -> HttpResponse:
    holder = holders().get(request.POST.get("holder", ""))
    try:
        if holder is None:
            raise NotFound("There is nothing of this kind to delete.")
        words = holder.delete(request.actor, request.POST.get("what", ""))
    except HeadraceError as error:
        return go_to(request, request.path, error.message, tone="bad")
    return go_to(request, request.path, words)
