"""REST endpoints that test connections."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from config.errors import Conflict
from connectors import access, services
from connectors.choices import Kind
from connectors.discovery import CheckOutcome


class CheckOut(serializers.Serializer[Any]):
    """What a test of a connection found, in the other side's words; ``field`` is the setting that it is about."""

    ok = serializers.BooleanField()
    message = serializers.CharField(allow_blank=True)
    hint = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True)
    seconds = serializers.FloatField()


class CheckSourceView(ApiView):
    """A test of a source."""

    permission = {"POST": access.USE[Kind.SOURCE]}

    @extend_schema(operation_id="CheckSource", request=None, responses={200: CheckOut, **error_answers()})
    def post(self, request: Request, source_id: int) -> Response:
        """Test the connection with its stored settings, and keep the outcome as the source's health."""
        source = access.source_for(self.actor, source_id)
        return _answer(services.check_source(actor=self.actor, source=source))


class CheckWriteView(ApiView):
    """A test of write access."""

    permission = {"POST": access.USE[Kind.SOURCE]}

    @extend_schema(operation_id="CheckSourceWriteAccess", request=None, responses={200: CheckOut, **error_answers()})
    def post(self, request: Request, source_id: int) -> Response:
        """Try to write into a source's warehouse as the warehouse planner would, and keep what came of it."""
        source = access.source_for(self.actor, source_id)
        if not access.can_host_planner(source):
            raise Conflict(f"Headrace cannot write into “{source}”.", hint="Its syncs are compared in Headrace.")
        return _answer(services.check_write_access(actor=self.actor, source=source))


class CheckDestinationView(ApiView):
    """A test of a destination."""

    permission = {"POST": access.USE[Kind.DESTINATION]}

    @extend_schema(operation_id="CheckDestination", request=None, responses={200: CheckOut, **error_answers()})
    def post(self, request: Request, destination_id: int) -> Response:
        """Test the connection with its stored settings, and keep the outcome as the destination's health."""
        destination = access.destination_for(self.actor, destination_id)
        return _answer(services.check_destination(actor=self.actor, destination=destination))


def _answer(found: CheckOutcome) -> Response:
    return Response({name: getattr(found, name) for name in ("ok", "message", "hint", "field", "seconds")})
