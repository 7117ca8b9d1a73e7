"""Endpoints of previews: what a run would do, without doing it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, parse_query
from config.errors import NotFound
from governance.audit.actors import Actor
from syncs import access, services
from syncs.api.shapes import Counts
from syncs.engine.runlog import MAX_PAGE
from syncs.models import Preview
from syncs.selectors.errors import error_words
from syncs.selectors.previews import preview_numbers, preview_requests, preview_rows
from syncs.selectors.rows import PAGE_ROWS
from workspaces.permissions import Permission


class PreviewQuery(ListQuery):
    """Which of the rows that would be sent."""

    operation = serializers.ChoiceField(
        choices=["added", "changed", "removed", "rejected"], required=False, help_text="rejected: before sending"
    )
    key = serializers.CharField(required=False, help_text="A part of the row's key")
    after = serializers.CharField(required=False, help_text="The `next` of the page before")


class PreviewRowOut(serializers.Serializer[Any]):
    """A row that would be sent. Values are empty without the right to see the source's rows."""

    key = serializers.CharField()
    operation = serializers.CharField(allow_null=True)
    values = serializers.DictField()
    oldValues = serializers.DictField(allow_null=True)
    message = serializers.CharField(allow_blank=True)


class PreviewRequestOut(serializers.Serializer[Any]):
    """A request that would be sent."""

    method = serializers.CharField()
    target = serializers.CharField()
    body = serializers.CharField(allow_blank=True)


class PreviewOut(serializers.Serializer[Any]):
    """A preview. ``status`` is waiting, running, ready, failed or cancelled; the rest is empty until it is ready."""

    id = serializers.CharField()
    syncId = serializers.CharField()
    status = serializers.CharField()
    createdAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    querySize = serializers.IntegerField()
    plannedRows = Counts(allow_null=True)
    plan = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())
    requests = PreviewRequestOut(many=True)
    rows = PreviewRowOut(many=True)
    next = serializers.CharField(allow_null=True)


class PreviewListView(ApiView):
    """Asking for a preview of a sync."""

    permission = {"POST": Permission.TRIGGER}

    @extend_schema(operation_id="PreviewRun", request=None, responses={200: PreviewOut, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Find out what a run would do; answers at once, ask for the preview until it is ready."""
        made = services.start_preview(actor=self.actor, sync=access.sync_for(self.actor, sync_id))
        return Response(preview_json(self.actor, access.preview_for(self.actor, made.pk), {}))


class PreviewView(ApiView):
    """One preview."""

    permission = {"GET": Permission.MEMBER, "DELETE": Permission.TRIGGER}

    @extend_schema(operation_id="GetPreview", parameters=[PreviewQuery], responses={200: PreviewOut, **error_answers()})
    def get(self, request: Request, sync_id: int, preview_id: int) -> Response:
        """How far it is, and once it is ready its numbers and a page of its rows."""
        preview = self._found(sync_id, preview_id)
        return Response(preview_json(self.actor, preview, parse_query(request, PreviewQuery)))

    @extend_schema(operation_id="CancelPreview", responses={204: None, **error_answers()})
    def delete(self, request: Request, sync_id: int, preview_id: int) -> Response:
        """Stop making a preview; nothing of it is kept. One that is ready stays as it is."""
        services.cancel_preview(actor=self.actor, preview=self._found(sync_id, preview_id))
        return Response(status=204)

    def _found(self, sync_id: int, preview_id: int) -> Preview:
        preview = access.preview_for(self.actor, preview_id)
        if preview.sync_id != sync_id:
            raise NotFound("There is no such preview of this sync.")
        return preview


def preview_json(actor: Actor, preview: Preview, query: dict[str, Any]) -> dict[str, Any]:
    """The wire shape of a preview."""
    numbers = preview_numbers(preview)
    page = preview_rows(
        actor,
        preview,
        operation=query.get("operation", ""),
        search=query.get("key", ""),
        cursor=query.get("after", ""),
        limit=min(query.get("limit") or PAGE_ROWS, MAX_PAGE),
    )
    names = ("added", "changed", "removed")
    return {
        "id": str(preview.pk),
        "syncId": str(preview.sync_id),
        "status": preview.state,
        "createdAt": preview.created_at,
        "finishedAt": preview.finished_at,
        "error": error_words(actor, preview, preview.sync) or None,
        "querySize": preview.queried,
        "plannedRows": {f"{name}Count": getattr(numbers.planned, name) for name in names} if numbers else None,
        "plan": preview.plan,
        "warnings": preview.warnings,
        "requests": [
            {"method": e.method, "target": e.target, "body": e.request_body} for e in preview_requests(actor, preview)
        ],
        "rows": [
            {
                "key": row.key,
                "operation": row.operation,
                "values": row.values,
                "oldValues": row.old_values,
                "message": row.message,
            }
            for row in page.rows
        ],
        "next": page.next or None,
    }
