"""Endpoints of the extraction of a destination's audiences into a warehouse."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from config.errors import Invalid
from connectors.access import destination_for, source_for
from syncs import services
from syncs.models import AudienceExtraction
from syncs.selectors.extraction import extraction_of
from workspaces.permissions import Permission


class ExtractionIn(serializers.Serializer[Any]):
    """The source into whose warehouse audiences are written once a day; null switches it off."""

    sourceId = serializers.CharField(allow_null=True)


class ExtractionOut(serializers.Serializer[Any]):
    """How the extraction is set up, and how the last snapshot went. ``rows`` are those of the last that succeeded."""

    sourceId = serializers.CharField(allow_null=True)
    running = serializers.BooleanField()
    succeededAt = serializers.DateTimeField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    triedAt = serializers.DateTimeField(allow_null=True)
    nextAt = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()


class ExtractionView(ApiView):
    """The extraction of one destination."""

    permission = {"GET": Permission.MEMBER, "PUT": Permission.MANAGE_DESTINATION}

    @extend_schema(operation_id="GetDestinationExtraction", responses={200: ExtractionOut, **error_answers()})
    def get(self, request: Request, destination_id: int) -> Response:
        """Whether a destination's audiences are written into a warehouse, and how that went."""
        return Response(_json(extraction_of(destination_for(self.actor, destination_id))))

    @extend_schema(
        operation_id="SetDestinationExtraction", request=ExtractionIn, responses={200: ExtractionOut, **error_answers()}
    )
    def put(self, request: Request, destination_id: int) -> Response:
        """Switch it on, into another warehouse, or off."""
        destination = destination_for(self.actor, destination_id)
        chosen = self.body(ExtractionIn)["sourceId"]
        if chosen is not None and not (chosen.isdecimal() and len(chosen) < 19):
            raise Invalid.field("sourceId", f"“{chosen[:40]}” is no id.")
        source = None if chosen is None else source_for(self.actor, int(chosen))
        return Response(_json(services.change_extraction(actor=self.actor, destination=destination, source=source)))


class TriggerExtractionView(ApiView):
    """A snapshot beside those of each day."""

    permission = {"POST": Permission.MANAGE_DESTINATION}

    @extend_schema(
        operation_id="TriggerDestinationExtraction", request=None, responses={200: ExtractionOut, **error_answers()}
    )
    def post(self, request: Request, destination_id: int) -> Response:
        """Write a snapshot now."""
        destination = destination_for(self.actor, destination_id)
        return Response(_json(services.extract_now(actor=self.actor, destination=destination)))


def _json(row: AudienceExtraction | None) -> dict[str, Any]:
    on = row is not None and row.source_id is not None
    return {
        "sourceId": str(row.source_id) if row and on else None,
        "running": bool(row and row.running),
        "succeededAt": row.succeeded_at if row else None,
        "rows": row.rows if row else None,
        "triedAt": row.tried_at if row else None,
        "nextAt": row.next_at if row and on else None,
        "error": f"{row.error_message} {row.error_hint}".strip() if row else "",
    }
