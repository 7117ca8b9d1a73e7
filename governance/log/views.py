"""Whether the organization's log is what was written, and how long it is kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from governance import selectors
from governance.audit.chain import Checkpoint
from governance.audit.models import AuditChain, AuditEntry
from governance.audit.services.verdicts import verifying
from governance.log import services
from governance.log.services import LONGEST_DAYS, SHORTEST_DAYS
from workspaces.models import Organization
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires
from workspaces.scoping import organization_scope


class RetentionForm(forms.Form):
    """How long entries are kept."""

    days = forms.IntegerField(
        label="Days to keep entries",
        required=False,
        min_value=SHORTEST_DAYS,
        max_value=LONGEST_DAYS,
        help_text="Empty keeps them for ever. Older entries are deleted once a day; the rest still verifies.",
    )


class CheckpointForm(forms.Form):
    """A checkpoint that was kept elsewhere."""

    checkpoint = forms.CharField(
        label="Checkpoint",
        max_length=100,
        help_text="As it was shown here or arrived in a stream: a number, a colon and 64 letters and digits.",
        error_messages={"required": "Paste a checkpoint."},
    )

    def clean_checkpoint(self) -> Checkpoint:
        """As a place of the chain."""
        try:
            return Checkpoint.parse(self.cleaned_data["checkpoint"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


@requires(Permission.MANAGE_ORGANIZATION)
def integrity(request: WorkspaceRequest) -> HttpResponse:
    """The chain, the latest verdict, and the settings of retention; POST changes the retention."""
    chain = selectors.chain_of(request.workspace.organization_id)
    initial = {"days": chain.retention_days if chain else None}
    form = RetentionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_retention(
                actor=request.actor, organization=_organization(request), days=form.cleaned_data["days"]
            )
        except Invalid as error:
            show_errors(form, error)
        else:
            return go_to(request, _here(request), "Saved.")
    return _page(request, form, CheckpointForm(), status=422 if form.errors else 200)


@requires(Permission.MANAGE_ORGANIZATION)
def verify(request: WorkspaceRequest) -> HttpResponse:
    """POST has a worker verify the chain; GET is the part of the page that shows how far it is."""
    if request.method == "POST":
        try:
            services.start_verification(actor=request.actor, organization=_organization(request))
        except HeadraceError as error:
            return go_to(request, _here(request), error.message, tone="bad")
        return go_to(request, _here(request))
    return render_page(request, "governance/parts/verdict.html", _chain(request))


@requires(Permission.MANAGE_ORGANIZATION)
def compare(request: WorkspaceRequest) -> HttpResponse:
    """Whether a checkpoint that was kept elsewhere lies on the chain."""
    form = CheckpointForm(request.POST or None)
    if not form.is_valid():
        return _page(request, RetentionForm(), form, status=422 if form.errors else 200)
    answer = _compared(request.workspace.organization_id, form.cleaned_data["checkpoint"])
    return _page(request, RetentionForm(), form, answer=answer)


def _compared(organization_id: int, checkpoint: Checkpoint) -> dict[str, str]:
    chain = selectors.chain_of(organization_id)
    if chain is None or checkpoint.sequence > chain.sequence:
        return {"tone": "bad", "words": "The chain is shorter than this checkpoint: its end was cut off."}
    if checkpoint.sequence < chain.start_sequence:
        return {"tone": "warn", "words": "Retention has deleted the entries up to there, so nothing can be said."}
    with organization_scope(organization_id):
        entry = AuditEntry.objects.filter(organization_id=organization_id, sequence=checkpoint.sequence).first()
    link = entry.link if entry else None
    if checkpoint.sequence == chain.start_sequence:
        link = chain.start_head
    if link is None or bytes(link) != checkpoint.link:
        return {"tone": "bad", "words": "The checkpoint does not lie on this chain: the log was rewritten."}
    return {"tone": "good", "words": f"The checkpoint lies on the chain, at entry {checkpoint.sequence:,}."}


def _page(
    request: WorkspaceRequest,
    retention: RetentionForm,
    comparing: CheckpointForm,
    *,
    answer: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    slug = request.workspace.slug
    context = {
        **_chain(request),
        "retention_form": retention,
        "checkpoint_form": comparing,
        "answer": answer,
        "breadcrumb": [{"label": "Audit log", "url": reverse("governance:organization_audit_log", args=[slug])}],
    }
    if not retention.is_bound and context["chain"]:
        retention.initial = {"days": context["chain"].retention_days}
    return render_page(request, "governance/integrity.html", context, status=status)


def _chain(request: WorkspaceRequest) -> dict[str, Any]:
    organization_id = request.workspace.organization_id
    chain: AuditChain | None = selectors.chain_of(organization_id)
    return {
        "chain": chain,
        "kept": chain.sequence - chain.start_sequence if chain else 0,
        "going_on": bool(chain and verifying(chain, timezone.now())),
        "checkpoint": str(Checkpoint(chain.sequence, bytes(chain.head))) if chain and chain.sequence else "",
        "verify_url": reverse("governance:audit_verify", args=[request.workspace.slug]),
    }


def _organization(request: WorkspaceRequest) -> Organization:
    return Organization.objects.get(pk=request.workspace.organization_id)


def _here(request: WorkspaceRequest) -> str:
    return reverse("governance:audit_integrity", args=[request.workspace.slug])
