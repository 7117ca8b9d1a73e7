"""Endpoints of whom destinations recognised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from syncs import access
from syncs.models import MatchReport
from workspaces.permissions import Permission


class MatchReportQuery(ListQuery):
    """Reports, the newest first."""

    orderBy = serializers.CharField(required=False, default="-id")
    orderable = {"id": "id", "askedAt": "asked_at"}


class MatchReportOut(serializers.Serializer[Any]):
    """Whom a destination recognised of what a sync had sent by a run: its own numbers, roughly.

    ``rate`` is a share: 1 is all, and some services go beyond. Numbers are null where it has no report yet or did
    not answer; ``reportedAt`` is when it says that they are of.
    """

    id = serializers.CharField()
    runId = serializers.CharField()
    askedAt = serializers.DateTimeField()
    reportedAt = serializers.DateTimeField(allow_null=True)
    matched = serializers.IntegerField(allow_null=True)
    rate = serializers.FloatField(allow_null=True)
    status = serializers.CharField()
    url = serializers.CharField()
    error = serializers.CharField()


class MatchReportsView(ApiView):
    """The match reports of one sync."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(
        operation_id="ListMatchReport",
        parameters=[MatchReportQuery],
        responses={200: list_of(MatchReportOut), **error_answers()},
    )
    def get(self, request: Request, sync_id: int) -> Response:
        """List what a destination told about whom it recognised: after each run of a sync, and once a day."""
        rows = MatchReport.objects.filter(sync=access.sync_for(self.actor, sync_id), answered_at__isnull=False)
        return list_response(rows, parse_query(request, MatchReportQuery), _reports_json)


def _reports_json(rows: Iterable[MatchReport]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.pk),
            "runId": str(row.run_id),
            "askedAt": row.asked_at,
            "reportedAt": row.reported_at,
            "matched": row.matched,
            "rate": row.rate,
            "status": row.status,
            "url": row.url,
            "error": f"{row.error_message} {row.error_hint}".strip(),
        }
        for row in rows
    ]
