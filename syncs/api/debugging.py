"""Endpoints of what a run did: its rows, what was said to the destination, and its end."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, parse_query
from config.errors import NotFound
from connectors.sdk.types import Operation
from syncs import access, services
from syncs.api.shapes import RunOut, run_json
from syncs.engine.exchanges import Answered, KeptExchange
from syncs.engine.runlog import MAX_PAGE, LoggedRow
from syncs.engine.spec import RowStatus
from syncs.models import Run
from syncs.selectors import row_detail, run_exchanges, run_rows
from workspaces.permissions import Permission

PAGE = 100


class PageQuery(ListQuery):
    """Pages follow each other by ``after``, so that a page costs the same however large the run was."""

    limit = serializers.IntegerField(required=False, default=PAGE, min_value=1, max_value=MAX_PAGE)
    key = serializers.CharField(required=False, help_text="A part of the row's key")
    failed = serializers.BooleanField(required=False, default=False, help_text="Leave out what succeeded")
    after = serializers.CharField(required=False, help_text="The `next` of the page before")


class RunRowQuery(PageQuery):
    """Which rows of a run."""

    operation = serializers.ChoiceField(choices=[o.value for o in Operation], required=False)
    status = serializers.ChoiceField(choices=[s.value for s in RowStatus], required=False)


class RunRequestQuery(PageQuery):
    """Which requests of a run."""

    text = serializers.CharField(required=False, help_text="Stands in the request or the answer")
    answer = serializers.ChoiceField(choices=[a.value for a in Answered], required=False)


class RunRowOut(serializers.Serializer[Any]):
    """A row of a run. Values are empty without the right to see the source's rows."""

    id = serializers.CharField(help_text="Within the run")
    key = serializers.CharField(allow_null=True)
    operation = serializers.CharField(allow_null=True, help_text="Empty where rows share a key")
    status = serializers.CharField()
    code = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True)
    values = serializers.DictField()
    oldValues = serializers.DictField(allow_null=True)


class RunRequestOut(serializers.Serializer[Any]):
    """A request and its answer, without secrets. Bodies are hidden without the right to see the source's rows."""

    id = serializers.CharField()
    startedAt = serializers.DateTimeField(allow_null=True)
    durationMs = serializers.FloatField(allow_null=True)
    attempt = serializers.IntegerField()
    failed = serializers.BooleanField()
    method = serializers.CharField(allow_blank=True)
    target = serializers.CharField(allow_blank=True)
    status = serializers.IntegerField(allow_null=True)
    requestBody = serializers.CharField(allow_blank=True)
    responseBody = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)


class RunRowsOut(serializers.Serializer[Any]):
    """A page of rows. ``expired``: the run is older than rows are kept."""

    rows = RunRowOut(many=True)
    next = serializers.CharField(allow_null=True)
    expired = serializers.BooleanField()


class RunRequestsOut(serializers.Serializer[Any]):
    """A page of requests."""

    requests = RunRequestOut(many=True)
    next = serializers.CharField(allow_null=True)


class RunRowDetailOut(RunRowOut):
    """A row with the requests that carried it, and the first of the rows that travelled along."""

    requests = RunRequestOut(many=True)
    siblings = RunRowOut(many=True)


class RunView(ApiView):
    """What endpoints of one run share."""

    def run(self, sync_id: int, run_id: int) -> Run:
        """The run, if it is the sync's."""
        run = access.run_for(self.actor, run_id)
        if run.sync_id != sync_id:
            raise NotFound("There is no such run of this sync.")
        return run


class RunRowsView(RunView):
    """The rows of a run."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListRunRows", parameters=[RunRowQuery], responses={200: RunRowsOut, **error_answers()})
    def get(self, request: Request, sync_id: int, run_id: int) -> Response:
        """A page of what the run planned for each row and what became of it, as long as rows are kept."""
        query = parse_query(request, RunRowQuery)
        page = run_rows(
            self.actor,
            self.run(sync_id, run_id),
            operation=query.get("operation", ""),
            status=query.get("status", ""),
            failed=query["failed"],
            search=query.get("key", ""),
            cursor=query.get("after", ""),
            limit=query["limit"],
        )
        return Response({"rows": [_row(r) for r in page.rows], "next": page.next or None, "expired": page.expired})


class RunRowView(RunView):
    """One row of a run."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="GetRunRow", responses={200: RunRowDetailOut, **error_answers()})
    def get(self, request: Request, sync_id: int, run_id: int, row: str) -> Response:
        """A row, every request that carried it, and what else was in its batch."""
        found = row_detail(self.actor, self.run(sync_id, run_id), row)
        requests = [_request(each) for each in found.exchanges]
        siblings = [_row(each) for each in found.siblings if each.id != found.row.id]
        return Response({**_row(found.row), "requests": requests, "siblings": siblings})


class RunRequestsView(RunView):
    """The requests of a run."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(
        operation_id="ListRunRequests", parameters=[RunRequestQuery], responses={200: RunRequestsOut, **error_answers()}
    )
    def get(self, request: Request, sync_id: int, run_id: int) -> Response:
        """A page of what was said to the destination; searching in it takes the right to see the source's rows."""
        query = parse_query(request, RunRequestQuery)
        page = run_exchanges(
            self.actor,
            self.run(sync_id, run_id),
            text=query.get("text", ""),
            key=query.get("key", ""),
            failed=query["failed"],
            answered=Answered(query["answer"]) if query.get("answer") else None,
            cursor=query.get("after", ""),
            limit=query["limit"],
        )
        return Response({"requests": [_request(each) for each in page.exchanges], "next": page.next or None})


class CancelRunView(RunView):
    """Ending a run."""

    permission = {"POST": Permission.TRIGGER}

    @extend_schema(operation_id="CancelRun", request=None, responses={200: RunOut, **error_answers()})
    def post(self, request: Request, sync_id: int, run_id: int) -> Response:
        """Ask a run to stop before its next batch; what it delivered stays delivered."""
        run = self.run(sync_id, run_id)
        cancelled = services.cancel_run(actor=self.actor, run=run)
        return Response(run_json(self.actor, cancelled, run.sync))


def _row(row: LoggedRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "key": row.key,
        "operation": row.operation,
        "status": row.status,
        "code": row.code,
        "message": row.message,
        "field": row.field,
        "values": row.values,
        "oldValues": row.old_values,
    }


def _request(kept: KeptExchange) -> dict[str, Any]:
    return {
        "id": kept.id,
        "startedAt": kept.started_at,
        "durationMs": kept.duration_ms,
        "attempt": kept.attempt,
        "failed": kept.failed,
        "method": kept.method,
        "target": kept.target,
        "status": kept.status,
        "requestBody": kept.request_body,
        "responseBody": kept.response_body,
        "error": kept.error,
        "note": kept.note,
    }
