"""Requests: what waits for approval, one of them, and the workspace's rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from governance.approvals import services
from governance.approvals.access import draft_for, may_approve, may_draft, policy_here
from governance.approvals.announcements import places
from governance.approvals.choices import DraftState
from governance.approvals.forms import PolicyForm, SubmitForm
from governance.approvals.models import Draft
from governance.approvals.registry import governed, stops
from governance.approvals.selectors import Show, list_drafts, open_requests, review_count
from governance.approvals.services.decisions import needed_approvals
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = (
    Column("Status", fit=True),
    Column("Change", sort="label"),
    Column("By"),
    Column("Approvals", numeric=True),
    Column("Since", sort="edited_at", fit=True),
)
STATES = Filter.of("state", "Status", DraftState.choices)
MAX_REVIEWERS = 200
# Which rights drafting and approving take depends on the resource: the services ask what governs it.
DECLARED = Permission.MEMBER


@dataclass(frozen=True, slots=True)
class Line:
    """A request as the table shows it."""

    draft: Draft
    noun: str


@requires(DECLARED)
def requests(request: WorkspaceRequest, show: str = Show.REVIEW) -> HttpResponse:
    """What waits for this person, what they asked for, or everything."""
    listing = Listing(request, columns=COLUMNS, filters=[STATES] if show != Show.REVIEW else [], order="-pk")
    states = listing.chosen("state") if listing.filters else ()
    page = listing.page(list_drafts(request.actor, Show(show), query=listing.query, states=states))
    context = {
        "listing": listing,
        "page": page,
        "lines": [Line(draft, governed(draft.kind).noun) for draft in page.rows],
        "stops": stops(request) if show == Show.REVIEW else [],
        "show": show,
        "needed": needed_approvals(),
        "tabs": _tabs(request, show),
    }
    return render_page(request, "approvals/requests.html", context)


@requires(DECLARED)
def badge(request: WorkspaceRequest) -> HttpResponse:
    """How many requests wait for this person, for the rail; nothing where there is none."""
    return render_page(request, "approvals/parts/badge.html", {"count": review_count(request.actor)})


@requires(DECLARED)
def request_page(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """One request: who, when and why, what differs, what it would do to rows, what was said."""
    return _page(request, draft_for(request.actor, draft_id))


@requires(DECLARED)
def submit(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """Choose reviewers and say what the change is for."""
    draft = draft_for(request.actor, draft_id)
    of = governed(draft.kind)
    of.require_draft(request.actor, draft.resource_id)
    if not draft.open:
        return go_to(request, _url(request, "request", draft.pk))
    people = of.approvers(draft.resource_id).exclude(user=request.user)
    form = SubmitForm(request.POST or None, people=list(people[:MAX_REVIEWERS]))
    if request.method == "POST" and form.is_valid():
        try:
            services.submit_draft(
                actor=request.actor,
                draft=draft,
                revision=_revision(request),
                reviewers=form.chosen(),
                comment=form.cleaned_data["comment"],
            )
        except Invalid as error:
            show_errors(form, error)
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
        else:
            return go_to(request, _url(request, "request", draft.pk), "Sent for approval.")
    context = {"draft": draft, "noun": of.noun, "form": form, "breadcrumb": _crumbs(request), "parts": of.parts(draft)}
    return render_page(request, "approvals/submit.html", context, status=422 if form.errors else 200)


@requires(DECLARED)
def approve(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """Say yes, and publish once there are enough."""
    draft = draft_for(request.actor, draft_id)
    given = draft.approvals.filter(user=request.user, revision=draft.revision).exists()
    try:
        if given:
            services.publish_draft(actor=request.actor, draft=draft)
            live = True
        else:
            live = services.approve_and_publish(
                actor=request.actor, draft=draft, revision=_revision(request), note=request.POST.get("note", "")
            )
    except HeadraceError as error:
        return _stay(request, draft, error)
    of = governed(draft.kind)
    if not live:
        return go_to(request, _url(request, "request", draft.pk), "Approved. More approvals are needed.")
    return go_to(request, of.url(request.workspace.slug, draft.resource_id), f"Approved. The {of.noun} is live.")


@requires(DECLARED)
def deny(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """Decline: the draft is gone."""
    draft = draft_for(request.actor, draft_id)
    try:
        services.deny_draft(actor=request.actor, draft=draft, reason=request.POST.get("reason", ""))
    except HeadraceError as error:
        return _stay(request, draft, error)
    return go_to(request, _url(request, "request", draft.pk), "Declined. Its author is told.")


@requires(DECLARED)
def withdraw(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """Take the request back and keep the draft."""
    draft = draft_for(request.actor, draft_id)
    try:
        services.withdraw_draft(actor=request.actor, draft=draft)
    except HeadraceError as error:
        return _stay(request, draft, error)
    return go_to(request, _url(request, "request", draft.pk), "Withdrawn. The draft is kept.")


@requires(DECLARED)
def delete(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """Throw the draft away."""
    draft = draft_for(request.actor, draft_id)
    try:
        services.delete_draft(actor=request.actor, draft=draft)
    except HeadraceError as error:
        return _stay(request, draft, error)
    return go_to(request, _url(request, "requests_mine"), "The draft was deleted.")


@requires(DECLARED)
def rebase(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """Bring the draft up to date with what is live."""
    draft = draft_for(request.actor, draft_id)
    try:
        services.rebase_draft(actor=request.actor, draft=draft)
    except HeadraceError as error:
        return _stay(request, draft, error)
    return go_to(request, _url(request, "request", draft.pk), "The draft is up to date. It needs approval again.")


@requires(DECLARED)
def comment(request: WorkspaceRequest, draft_id: int) -> HttpResponse:
    """Say something about it."""
    draft = draft_for(request.actor, draft_id)
    try:
        services.comment_on_draft(actor=request.actor, draft=draft, text=request.POST.get("text", ""))
    except HeadraceError as error:
        return _stay(request, draft, error)
    return go_to(request, _url(request, "request", draft.pk) + "#comments", "Comment added.")


@requires(Permission.MANAGE_WORKSPACE)
def policy(request: WorkspaceRequest) -> HttpResponse:
    """When changes need approval."""
    stored = policy_here()
    form = PolicyForm.of(stored, places(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_policy(actor=request.actor, **form.cleaned_data)
        except Invalid as error:
            show_errors(form, error)
        else:
            return go_to(request, request.path, "Saved.")
    context = {"form": form, "policy": stored, "waiting": open_requests()}
    return render_page(request, "approvals/policy.html", context, status=422 if form.errors else 200)


def _page(request: WorkspaceRequest, draft: Draft) -> HttpResponse:
    of, actor = governed(draft.kind), request.actor
    slug = request.workspace.slug
    impacts = list(of.impact(actor, draft, sample=True)) if draft.submitted else []
    live = of.live(draft.resource_id) if draft.open and not draft.is_new else draft.base
    approvals = list(draft.approvals.all())
    context: dict[str, Any] = {
        "draft": draft,
        "noun": of.noun,
        "breadcrumb": _crumbs(request),
        "resource_url": of.url(slug, draft.resource_id) if draft.open or not draft.is_new else "",
        "edit_url": of.edit_url(slug, draft.resource_id),
        "parts": of.parts(draft),
        "impacts": [{"impact": i, "sample": of.present(i.sample) if i.sample else None} for i in impacts],
        "decided_impacts": draft.impact,
        "finding_out": any(i.state in ("waiting", "running") for i in impacts),
        "sample_template": of.sample_template,
        "outdated": draft.open and not draft.is_new and live != draft.base,
        "approvals": approvals,
        "approved_by_me": any(a.user_id == actor.user_id for a in approvals),
        "needed": needed_approvals(),
        "enough": len(approvals) >= needed_approvals(),
        "reviewers": list(draft.reviewers.select_related("user")),
        "comments": list(draft.comments.all()),
        "may_approve": draft.submitted and may_approve(actor, draft),
        "may_draft": draft.open and may_draft(actor, draft),
    }
    return render_page(request, "approvals/request.html", context)


def _stay(request: WorkspaceRequest, draft: Draft, error: HeadraceError) -> HttpResponse:
    return go_to(request, _url(request, "request", draft.pk), f"{error.message} {error.hint}".strip(), tone="bad")


def _revision(request: WorkspaceRequest) -> int:
    sent = request.POST.get("revision", "")
    return int(sent) if sent.isdecimal() and len(sent) < 10 else 0


def _tabs(request: WorkspaceRequest, show: str) -> list[dict[str, Any]]:
    waiting = review_count(request.actor)
    tabs = [("To review", "requests", Show.REVIEW, waiting), ("Mine", "requests_mine", Show.MINE, None)]
    tabs.append(("All", "requests_all", Show.ALL, None))
    return [
        {"label": label, "url": _url(request, route), "active": which == show, "count": count}
        for label, route, which, count in tabs
    ]


def _crumbs(request: WorkspaceRequest) -> list[dict[str, str]]:
    return [{"label": "Requests", "url": _url(request, "requests")}]


def _url(request: WorkspaceRequest, name: str, *args: Any) -> str:
    return reverse(f"approvals:{name}", args=[request.workspace.slug, *args])
