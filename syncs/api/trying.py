"""The endpoint that sends one row to try a sync out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from connectors.sdk.types import Operation
from syncs import access, services
from syncs.engine.onerow import SentRow
from workspaces.permissions import Permission


class TestRowIn(serializers.Serializer[Any]):
    """Which row, as what, and values to send instead of its own."""

    key = serializers.CharField(help_text="The row's primary key, as text")
    operation = serializers.ChoiceField(choices=[o.value for o in Operation], default=Operation.ADDED.value)
    edits = serializers.DictField(default=dict, help_text="New values by column; the key cannot be edited")


class TestExchangeOut(serializers.Serializer[Any]):
    """A request and its answer, without secrets."""

    method = serializers.CharField()
    target = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    requestBody = serializers.CharField(allow_blank=True)
    responseBody = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)


class TestRowOut(serializers.Serializer[Any]):
    """What became of the row. Nothing is remembered as synced."""

    status = serializers.CharField(help_text="succeeded, rejected or aborted")
    message = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True)
    values = serializers.DictField()
    exchanges = TestExchangeOut(many=True)


class TestRowView(ApiView):
    """Sending one row."""

    permission = {"POST": Permission.TRIGGER}

    @extend_schema(operation_id="TestRow", request=TestRowIn, responses={200: TestRowOut, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Send a row of the model for real, outside of any run, and answer with all that was said."""
        sync = access.sync_for(self.actor, sync_id)
        body = self.body(TestRowIn)
        sent = services.send_test_row(
            actor=self.actor,
            sync=sync,
            key=body["key"],
            operation=Operation(body["operation"]),
            edits=body["edits"],
        )
        return Response(_sent_json(sent))


def _sent_json(sent: SentRow) -> dict[str, Any]:
    message = sent.failure.message if sent.failure else sent.row.message
    return {
        "status": sent.row.status,
        "message": message,
        "field": sent.row.field,
        "values": sent.row.values,
        "exchanges": [
            {
                "method": kept.method,
                "target": kept.target,
                "status": kept.status,
                "requestBody": kept.request_body,
                "responseBody": kept.response_body,
                "error": kept.error,
            }
            for kept in sent.exchanges
        ],
    }
