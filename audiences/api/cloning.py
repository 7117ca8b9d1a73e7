"""The endpoint that copies an audience."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.audiences import WRITE, AudienceOut, audiences_json
from audiences.api.sync_templates import way_for
from audiences.services.cloning import clone_with_syncs
from config.api import ApiView, error_answers
from governance.approvals.choices import Way
from syncs.access import sync_for
from syncs.api.shapes import PublicationShape, SyncOut, syncs_json


class CloneIn(PublicationShape):
    """The name of the copy, and the syncs of the audience that are copied along; their schedules begin switched off."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    syncIds = serializers.ListField(child=serializers.IntegerField(), required=False, default=list, max_length=100)


class FailedSync(serializers.Serializer[Any]):
    """A sync that could not be copied."""

    id = serializers.CharField()
    name = serializers.CharField()
    error = serializers.CharField()


class CloneOut(serializers.Serializer[Any]):
    """The copy, the syncs that came along, and those that could not."""

    audience = AudienceOut()
    syncs = SyncOut(many=True)
    failed = FailedSync(many=True)


class CloneAudienceView(ApiView):
    """Copying an audience."""

    permission = {"POST": WRITE}

    @extend_schema(operation_id="CloneAudience", request=CloneIn, responses={200: CloneOut, **error_answers()})
    def post(self, request: Request, audience_id: int) -> Response:
        """Copy an audience, and those of its syncs that are named."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(CloneIn)
        syncs = [sync_for(self.actor, pk) for pk in dict.fromkeys(values["syncIds"])]
        way = way_for(self.actor, values) if syncs else Way.NOW
        clone = clone_with_syncs(actor=self.actor, audience=audience, name=values["name"], syncs=syncs, way=way)
        made = {
            "audience": audiences_json([access.audience_for(self.actor, clone.of.pk)])[0],
            "syncs": syncs_json([sync_for(self.actor, sync.pk) for sync in clone.syncs]),
            "failed": [{"id": str(sync.pk), "name": str(sync), "error": why} for sync, why in clone.failed],
        }
        return Response(made)
