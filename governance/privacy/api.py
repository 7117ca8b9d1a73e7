"""REST endpoints of look-ups, erasures, what is held and retention: the services and rights of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, id_text, list_of, list_response, parse_query
from config.errors import Conflict, Invalid, NotFound
from config.streaming import StreamedFile
from governance.audit.actors import Actor
from governance.log.api import AuditEntryOut
from governance.log.exporting import entry_json, plain
from governance.privacy import services
from governance.privacy.access import case_for
from governance.privacy.choices import CaseState
from governance.privacy.evidence import case_evidence, resource_evidence
from governance.privacy.findings import counts_of, entries_about, shown_findings, split_entries
from governance.privacy.models import PersonCase, Retention
from governance.privacy.registry import Holding, holders
from governance.privacy.services.cases import LONGEST, scope_choices
from governance.privacy.services.retention import FIELDS
from workspaces.permissions import Permission

MANAGE = Permission.MANAGE_WORKSPACE
LONGEST_DAYS, LONGEST_HOURS = 3_650, 720
WIRE = {"request_days": "requestDays", "row_days": "rowDays", "run_days": "runDays", "preview_hours": "previewHours"}


class LookUpIn(serializers.Serializer[Any]):
    """Whom to look for, and where."""

    value = serializers.CharField(max_length=LONGEST, help_text="An e-mail address or a key")
    scope = serializers.CharField(
        default="*", allow_blank=True, help_text="* is any column, empty any primary key; GET /people-look-ups/scopes"
    )


class LookUpOut(serializers.Serializer[Any]):
    """A look-up: waiting, searching, found or failed; once erasure is asked for, requested to erased."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=CaseState.values)
    hint = serializers.CharField(allow_blank=True, help_text="The value, masked")
    scope = serializers.CharField()
    requestedBy = serializers.CharField()
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField(allow_null=True)
    step = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    ticket = serializers.CharField(allow_blank=True)
    erasureRequestedBy = serializers.CharField(allow_blank=True)
    confirmedBy = serializers.CharField(allow_blank=True)


class LookUpDetailOut(LookUpOut):
    """With what was found. Values are masked for whoever may not see the source's rows."""

    counts = serializers.DictField(child=serializers.IntegerField())
    findings = serializers.ListField(child=serializers.DictField())
    decisions = AuditEntryOut(many=True)
    views = AuditEntryOut(many=True)


class ScopeOut(serializers.Serializer[Any]):
    """A place to look in."""

    value = serializers.CharField(allow_blank=True)
    name = serializers.CharField()


class ErasureIn(serializers.Serializer[Any]):
    """Why a person is to be forgotten; none of it may hold their data."""

    reason = serializers.CharField(max_length=500)
    ticket = serializers.CharField(max_length=120, default="", allow_blank=True)
    removeFirst = serializers.BooleanField(default=False, help_text="Remove the person at the destinations first")


class ConfirmIn(serializers.Serializer[Any]):
    """An erasure cannot be taken back."""

    confirm = serializers.CharField(help_text="“forget” and the look-up's id: forget 7")


class ResumeIn(serializers.Serializer[Any]):
    """How an erasure that stopped goes on."""

    anyway = serializers.BooleanField(default=False, help_text="Erase also what could not be removed elsewhere")


class HoldingOut(serializers.Serializer[Any]):
    """A set of files or a table. ``deletable`` is empty where it is needed."""

    holder = serializers.CharField()
    name = serializers.CharField()
    owner = serializers.CharField(allow_blank=True)
    where = serializers.CharField()
    why = serializers.CharField()
    bytes = serializers.IntegerField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    oldest = serializers.CharField(allow_null=True)
    kept = serializers.CharField(allow_blank=True)
    deletable = serializers.CharField(allow_blank=True)


class HoldingsQuery(ListQuery):
    """Of one source, or of all."""

    sourceId = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class HoldingIn(serializers.Serializer[Any]):
    """What of the list to delete."""

    holder = serializers.CharField()
    deletable = serializers.CharField()


class RetentionShape(serializers.Serializer[Any]):
    """How long data is kept; null is the installation's default, for the run history for ever."""

    requestDays = serializers.IntegerField(allow_null=True, min_value=0, max_value=LONGEST_DAYS)
    rowDays = serializers.IntegerField(allow_null=True, min_value=0, max_value=LONGEST_DAYS)
    runDays = serializers.IntegerField(allow_null=True, min_value=1, max_value=LONGEST_DAYS)
    previewHours = serializers.IntegerField(allow_null=True, min_value=1, max_value=LONGEST_HOURS)


class LookUpListView(ApiView):
    """Look-ups of people."""

    permission = {"GET": MANAGE, "POST": MANAGE}

    @extend_schema(
        operation_id="ListLookUp", parameters=[ListQuery], responses={200: list_of(LookUpOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the look-ups and erasures of the workspace."""
        query = parse_query(request, ListQuery)
        return list_response(PersonCase.objects.all(), query, lambda rows: [case_json(row) for row in rows])

    @extend_schema(operation_id="LookUpPerson", request=LookUpIn, responses={200: LookUpOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Look one person up; a worker searches, so ask for the look-up until its state is found."""
        body = self.body(LookUpIn)
        return Response(case_json(services.start_look_up(actor=self.actor, **body)))


class LookUpScopesView(ApiView):
    """Where people can be looked for."""

    permission = {"GET": MANAGE}

    @extend_schema(operation_id="ListLookUpScope", responses={200: ScopeOut(many=True), **error_answers()})
    def get(self, request: Request) -> Response:
        """List the values of a look-up's scope."""
        return Response([{"value": value, "name": name} for value, name in scope_choices()])


class LookUpView(ApiView):
    """One look-up."""

    permission = {"GET": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="GetLookUp", responses={200: LookUpDetailOut, **error_answers()})
    def get(self, request: Request, case_id: int) -> Response:
        """What was found, who decided on it and who saw rows; opening it is recorded."""
        return Response(_detail(self.actor, case_for(self.actor, case_id)))

    @extend_schema(operation_id="DeleteLookUp", responses={204: None, **error_answers()})
    def delete(self, request: Request, case_id: int) -> Response:
        """Delete what was found before its time is over."""
        services.discard_case(actor=self.actor, case=case_for(self.actor, case_id))
        return Response(status=204)


class ErasureView(ApiView):
    """The request to forget the person who was found."""

    permission = {"POST": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="RequestErasure", request=ErasureIn, responses={200: LookUpOut, **error_answers()})
    def post(self, request: Request, case_id: int) -> Response:
        """Ask for the person to be forgotten; nothing happens before it is confirmed."""
        found, body = case_for(self.actor, case_id), self.body(ErasureIn)
        case = services.request_erasure(
            actor=self.actor,
            case=found,
            reason=body["reason"],
            ticket=body["ticket"],
            remove_first=body["removeFirst"],
        )
        return Response(case_json(case))

    @extend_schema(operation_id="WithdrawErasure", responses={200: LookUpOut, **error_answers()})
    def delete(self, request: Request, case_id: int) -> Response:
        """Take the request back."""
        return Response(case_json(services.withdraw_erasure(actor=self.actor, case=case_for(self.actor, case_id))))


class ConfirmErasureView(ApiView):
    """The second yes."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="ConfirmErasure", request=ConfirmIn, responses={200: LookUpOut, **error_answers()})
    def post(self, request: Request, case_id: int) -> Response:
        """Let the erasure begin. It cannot be taken back."""
        case = case_for(self.actor, case_id)
        if self.body(ConfirmIn)["confirm"].strip() != f"forget {case.pk}":
            raise Invalid.field("confirm", f"Send “forget {case.pk}” to confirm.")
        return Response(case_json(services.confirm_erasure(actor=self.actor, case=case)))


class ResumeErasureView(ApiView):
    """An erasure that stopped."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="ResumeErasure", request=ResumeIn, responses={200: LookUpOut, **error_answers()})
    def post(self, request: Request, case_id: int) -> Response:
        """Try again, or erase also what could not be removed elsewhere."""
        case, anyway = case_for(self.actor, case_id), self.body(ResumeIn)["anyway"]
        return Response(case_json(services.resume_erasure(actor=self.actor, case=case, anyway=anyway)))


class ErasureReportView(ApiView):
    """What was erased."""

    permission = {"GET": MANAGE}

    @extend_schema(operation_id="GetErasureReport", responses={200: OpenApiTypes.OBJECT, **error_answers()})
    def get(self, request: Request, case_id: int) -> Response:
        """The report of a finished erasure; it holds nothing of the person."""
        case = case_for(self.actor, case_id)
        if case.report is None:
            raise Conflict("Nothing was erased for this look-up so far.", hint="Ask for its state.")
        return Response(case.report)


ARCHIVE: dict[Any, Any] = {(200, "application/zip"): OpenApiTypes.BINARY, **error_answers()}


class EvidenceView(ApiView):
    """Evidence of one case."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="ExportLookUpEvidence", request=None, responses=ARCHIVE)
    def post(self, request: Request, case_id: int) -> StreamedFile:
        """Everything about the case as an archive with its own proof; values are masked as in the look-up."""
        case = case_for(self.actor, case_id)
        if case.searching:
            raise Conflict("The look-up is still searching.", hint="Ask for its state, and come back once it is done.")
        file = case_evidence(self.actor, case)
        return StreamedFile(file, as_attachment=True, filename=f"evidence-case-{case.pk}.zip")


class EvidenceOfIn(serializers.Serializer[Any]):
    """The thing, as the audit log names it."""

    type = serializers.SlugField(max_length=80, help_text="model, sync, …")
    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class EvidenceOfView(ApiView):
    """Evidence of one model or sync."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="ExportEvidence", request=EvidenceOfIn, responses=ARCHIVE)
    def post(self, request: Request) -> StreamedFile:
        """Everything the audit log and the product remember about one thing, as an archive with its own proof."""
        asked, workspace = self.body(EvidenceOfIn), request._request.workspace  # type: ignore[attr-defined]
        file = resource_evidence(self.actor, workspace, asked["type"], asked["id"])
        return StreamedFile(file, as_attachment=True, filename=f"evidence-{asked['type']}-{asked['id']}.zip")


class HoldingListView(ApiView):
    """Everything that is held."""

    permission = {"GET": MANAGE}

    @extend_schema(
        operation_id="ListHolding", parameters=[HoldingsQuery], responses={200: list_of(HoldingOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List sets of files and tables with their bytes, rows, age and why they are there."""
        query = parse_query(request, HoldingsQuery)
        source_id = query.get("sourceId")
        if source_id is not None and source_id not in dict(pair for h in holders().values() for pair in h.sources()):
            raise NotFound("There is no such source here, or nothing came from it.")
        lines = [_holding(name, line) for name, holder in holders().items() for line in holder.holdings(source_id)]
        page = lines[query["offset"] : query["offset"] + query["limit"]]
        return Response({"data": page, "hasMore": len(lines) > query["offset"] + len(page)})


class DeletedOut(serializers.Serializer[Any]):
    """What was deleted, in words."""

    message = serializers.CharField()


class DeleteHoldingView(ApiView):
    """What nothing needs any more."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="DeleteHolding", request=HoldingIn, responses={200: DeletedOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Delete something that the list calls deletable."""
        body = self.body(HoldingIn)
        holder = holders().get(body["holder"])
        if holder is None:
            raise NotFound("There is nothing of this kind to delete.")
        return Response({"message": holder.delete(self.actor, body["deletable"])})


class RetentionView(ApiView):
    """How long data is kept."""

    permission = {"GET": MANAGE, "PUT": MANAGE}

    @extend_schema(operation_id="GetRetention", responses={200: RetentionShape, **error_answers()})
    def get(self, request: Request) -> Response:
        """The workspace's retention."""
        return Response(_retention(Retention.objects.first()))

    @extend_schema(
        operation_id="SetRetention", request=RetentionShape, responses={200: RetentionShape, **error_answers()}
    )
    def put(self, request: Request) -> Response:
        """Set all of it; what is past its time is deleted within minutes."""
        body = self.body(RetentionShape)
        chosen = {name: body[wire] for name, wire in WIRE.items()}
        return Response(_retention(services.set_retention(actor=self.actor, **chosen)))


def case_json(case: PersonCase) -> dict[str, Any]:
    """The wire shape of a look-up without what it found."""
    return {
        "id": str(case.pk),
        "state": case.state,
        "hint": case.hint,
        "scope": case.scope_words,
        "requestedBy": case.requested_by,
        "createdAt": case.created_at,
        "expiresAt": case.expires_at,
        "step": case.step,
        "error": f"{case.error_message} {case.error_hint}".strip() or None,
        "reason": case.reason,
        "ticket": case.ticket,
        "erasureRequestedBy": case.erasure_by,
        "confirmedBy": case.confirmed_by,
    }


def _detail(actor: Actor, case: PersonCase) -> dict[str, Any]:
    findings = shown_findings(actor, case)
    decisions, views = split_entries(entries_about(case)) if findings else ([], [])
    if findings:
        services.note_view(actor=actor, case=case)
    return {
        **case_json(case),
        "counts": counts_of(findings),
        "findings": [_finding(finding) for finding in findings],
        "decisions": [plain(entry_json(entry)) for entry in decisions],
        "views": [plain(entry_json(entry)) for entry in views],
    }


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A place where the person was found, with ids as text."""
    return {
        "sync": finding["label"],
        "destination": finding["destination"],
        "model": finding["model"],
        "sourceId": id_text(finding["source_id"]),
        "primaryKey": finding["primary_key"],
        "keys": finding["keys"],
        "masked": finding["masked"],
        "held": finding["held"],
        "sent": [{**line, "run": id_text(line["run"])} for line in finding["sent"]],
        "memberships": finding.get("memberships", []),
        "heldOut": finding.get("held_out", 0),
        "lists": finding.get("lists", []),
        "problems": finding["problems"],
        "url": finding["url"],
    }


def _holding(holder: str, line: Holding) -> dict[str, Any]:
    return {
        "holder": holder,
        "name": line.label,
        "owner": line.owner,
        "where": line.where,
        "why": line.why,
        "bytes": line.size,
        "rows": line.rows,
        "oldest": line.since.isoformat() if hasattr(line.since, "isoformat") else line.since or None,
        "kept": line.kept,
        "deletable": line.deletable,
    }


def _retention(found: Retention | None) -> dict[str, Any]:
    return {WIRE[name]: getattr(found, name, None) for name in FIELDS}
