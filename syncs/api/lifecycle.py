"""Endpoints that hold and reset a sync: the switches of its page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from syncs import access, services
from syncs.api.shapes import SyncOut, syncs_json
from syncs.choices import PendingReset
from syncs.models import Sync
from workspaces.permissions import Permission


class ResetBody(serializers.Serializer[Any]):
    """``false`` takes a reset back that no run has carried out yet."""

    reset = serializers.BooleanField(required=False, default=True)


class SyncSwitchView(ApiView):
    """What the switches share."""

    permission = {"POST": Permission.DRAFT_TO_DESTINATION}

    def sync(self, sync_id: int) -> Sync:
        """The sync of the address."""
        return access.sync_for(self.actor, sync_id)

    def answer(self, sync_id: int) -> Response:
        """The sync as it is now."""
        return Response(syncs_json([self.sync(sync_id)])[0])


class PauseSyncView(SyncSwitchView):
    """Holding a sync."""

    @extend_schema(operation_id="PauseSync", request=None, responses={200: SyncOut, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Let no run start until it is resumed, and stop a running one before its next batch."""
        services.pause_sync(actor=self.actor, sync=self.sync(sync_id))
        return self.answer(sync_id)


class ResumeSyncView(SyncSwitchView):
    """The other way round."""

    @extend_schema(operation_id="ResumeSync", request=None, responses={200: SyncOut, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Let the sync run again."""
        services.resume_sync(actor=self.actor, sync=self.sync(sync_id))
        return self.answer(sync_id)


class ResetSyncView(SyncSwitchView):
    """Beginning anew with what was sent."""

    @extend_schema(operation_id="ResetSync", request=ResetBody, responses={200: SyncOut, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Have the next run remember the rows as they are and send nothing; later ones send what changes from there."""
        reset = PendingReset.RESET if self.body(ResetBody)["reset"] else PendingReset.NONE
        services.reset_sync(actor=self.actor, sync=self.sync(sync_id), reset=reset)
        return self.answer(sync_id)
