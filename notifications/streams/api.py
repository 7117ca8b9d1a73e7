"""Endpoints of audit streams. Credentials go in and never come out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers, list_of, list_response, parse_query
from governance.selectors import chain_of
from notifications import access, selectors, services
from notifications.models import AuditStream
from notifications.services.streams import MAX_NAME
from notifications.services.webhooks import masked_url
from notifications.streams.kinds import KINDS
from notifications.streams.sending import test_stream
from workspaces.api.shapes import NamedQuery
from workspaces.permissions import Permission

MANAGE = Permission.MANAGE_ORGANIZATION
KIND_KEYS = list(KINDS)


class AuditStreamOut(serializers.Serializer[Any]):
    """A place that gets every entry of the organization's audit log, in the order of its chain."""

    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=KIND_KEYS)
    configuration = serializers.DictField(help_text="Without credentials; of a web address only the host.")
    credentials = serializers.ListField(
        child=serializers.CharField(), help_text="Names of the credentials that are stored."
    )
    sentUpTo = serializers.IntegerField(help_text="The place in the chain of the last entry that arrived.")
    sent = serializers.IntegerField(help_text="How many entries arrived.")
    waiting = serializers.IntegerField(help_text="How many sealed entries are still to be sent.")
    health = serializers.CharField()
    lastError = serializers.CharField(allow_blank=True)
    lastHint = serializers.CharField(allow_blank=True)
    lastSentAt = serializers.DateTimeField(allow_null=True)
    pausedAt = serializers.DateTimeField(allow_null=True)
    pausedReason = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class AuditStreamBody(serializers.Serializer[Any]):
    """A new stream: its kind's own settings, credentials among them, in ``configuration``."""

    kind = serializers.ChoiceField(choices=KIND_KEYS)
    name = serializers.CharField(max_length=MAX_NAME)
    configuration = serializers.DictField()
    fromStart = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Send everything that the log holds, not only what happens from now on.",
    )


class AuditStreamChange(serializers.Serializer[Any]):
    """What to change; settings that are left out stay, credentials too, which a new address asks for again."""

    name = serializers.CharField(max_length=MAX_NAME, required=False)
    configuration = serializers.DictField(required=False)


class AuditStreamListView(ApiView):
    """The audit streams of the organization."""

    permission = {"GET": MANAGE, "POST": MANAGE}

    @extend_schema(
        operation_id="ListAuditStreams",
        parameters=[NamedQuery],
        responses={200: list_of(AuditStreamOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """All audit streams of the organization."""
        query, rows = parse_query(request, NamedQuery), selectors.streams(self.actor)
        return list_response(rows.filter(name=query["name"]) if query.get("name") else rows, query, streams_json)

    @extend_schema(
        operation_id="CreateAuditStream", request=AuditStreamBody, responses={200: AuditStreamOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Stream the audit log to one more place."""
        values = self.body(AuditStreamBody)
        stream = services.create_stream(
            actor=self.actor,
            organization=request._request.workspace.organization,  # type: ignore[attr-defined]
            kind=values["kind"],
            name=values["name"],
            values=values["configuration"],
            from_start=values["fromStart"],
        )
        return _answer(stream)


class AuditStreamView(ApiView):
    """One audit stream."""

    permission = {"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="GetAuditStream", responses={200: AuditStreamOut, **error_answers()})
    def get(self, request: Request, stream_id: int) -> Response:
        """How far a stream is, and its settings."""
        return _answer(access.stream_for(self.actor, stream_id))

    @extend_schema(
        operation_id="UpdateAuditStream", request=AuditStreamChange, responses={200: AuditStreamOut, **error_answers()}
    )
    def patch(self, request: Request, stream_id: int) -> Response:
        """Change its name or settings."""
        stream, values = access.stream_for(self.actor, stream_id), self.body(AuditStreamChange)
        changed = services.update_stream(
            actor=self.actor,
            stream=stream,
            name=values.get("name", stream.name),
            values=values.get("configuration", {}),
        )
        return _answer(changed)

    @extend_schema(operation_id="DeleteAuditStream", responses={204: None, **error_answers()})
    def delete(self, request: Request, stream_id: int) -> Response:
        """Remove a stream with its credentials; what it delivered stays where it is."""
        services.delete_stream(actor=self.actor, stream=access.stream_for(self.actor, stream_id))
        return Response(status=204)


class AuditStreamTestView(ApiView):
    """A test of an audit stream."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="TestAuditStream", request=None, responses={200: AuditStreamOut, **error_answers()})
    def post(self, request: Request, stream_id: int) -> Response:
        """Send a test, or look whether it can be written to; ``health`` and ``lastError`` say what came of it."""
        stream = access.stream_for(self.actor, stream_id)
        return _answer(test_stream(actor=self.actor, stream=stream))


class PauseAuditStreamView(ApiView):
    """Holding an audit stream."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="PauseAuditStream", request=None, responses={200: AuditStreamOut, **error_answers()})
    def post(self, request: Request, stream_id: int) -> Response:
        """Send nothing until it is resumed; entries wait, and none is lost."""
        stream = access.stream_for(self.actor, stream_id)
        return _answer(services.pause_stream(actor=self.actor, stream=stream))


class ResumeAuditStreamView(ApiView):
    """The other way round."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="ResumeAuditStream", request=None, responses={200: AuditStreamOut, **error_answers()})
    def post(self, request: Request, stream_id: int) -> Response:
        """Go on with the entry after the last one that arrived."""
        stream = access.stream_for(self.actor, stream_id)
        return _answer(services.resume_stream(actor=self.actor, stream=stream))


def _answer(stream: AuditStream) -> Response:
    return Response(streams_json([stream])[0])


def streams_json(streams: Iterable[AuditStream]) -> list[dict[str, Any]]:
    """Several streams of one organization as the API shows them."""
    rows = list(streams)
    chain = chain_of(rows[0].organization_id) if rows else None
    return [_stream_json(row, chain.sequence if chain else 0) for row in rows]


def _stream_json(stream: AuditStream, end: int) -> dict[str, Any]:
    config = dict(stream.config)
    if "endpoint" in config:
        config["endpoint"] = masked_url(config["endpoint"])
    return {
        "id": str(stream.pk),
        "name": stream.name,
        "kind": stream.kind,
        "configuration": config,
        "credentials": sorted(stream.secret_set_at),
        "sentUpTo": stream.cursor,
        "sent": stream.sent,
        "waiting": max(end - stream.cursor, 0),
        "health": stream.health,
        "lastError": stream.last_error,
        "lastHint": stream.last_hint,
        "lastSentAt": stream.last_sent_at,
        "pausedAt": stream.paused_at,
        "pausedReason": stream.paused_reason,
        "createdAt": stream.created_at,
        "updatedAt": stream.updated_at,
    }
