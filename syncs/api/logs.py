"""Endpoints of what is logged in the warehouse."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from connectors.access import source_for
from connectors.choices import LogTable
from connectors.models import Source
from connectors.services import change_sync_logs as change_logs_of_source
from syncs import access, services
from syncs.models import Sync
from workspaces.permissions import Permission

TABLES = serializers.ListField(child=serializers.ChoiceField(choices=LogTable.values))


class SyncLogsShape(serializers.Serializer[Any]):
    """Which log tables the runs of a sync write into its source, besides what the source asks of all its syncs."""

    wire_names = {"sync_logs": "tables"}
    tables = TABLES
    ofSource = serializers.ListField(child=serializers.CharField(), read_only=True)


class SourceLogsShape(serializers.Serializer[Any]):
    """Which log tables every sync of a source writes, and how many days its changelog is kept; ``null`` is always."""

    wire_names = {"sync_logs": "tables"}
    tables = TABLES
    changelogDays = serializers.IntegerField(required=False, default=None, allow_null=True)


class SyncLogsView(ApiView):
    """What one sync logs."""

    permission = {"GET": Permission.MEMBER, "PUT": Permission.DRAFT_TO_DESTINATION}

    @extend_schema(operation_id="GetSyncLogs", responses={200: SyncLogsShape, **error_answers()})
    def get(self, request: Request, sync_id: int) -> Response:
        """What a sync logs in the warehouse."""
        return Response(_of_sync(access.sync_for(self.actor, sync_id)))

    @extend_schema(
        operation_id="ChangeSyncLogs", request=SyncLogsShape, responses={200: SyncLogsShape, **error_answers()}
    )
    def put(self, request: Request, sync_id: int) -> Response:
        """Choose what a sync logs; it holds for every run that ends from now on."""
        sync = access.sync_for(self.actor, sync_id)
        values = self.body(SyncLogsShape)
        return Response(_of_sync(services.change_sync_logs(actor=self.actor, sync=sync, tables=values["tables"])))


class SourceLogsView(ApiView):
    """What all syncs of a source log."""

    permission = {"GET": Permission.MEMBER, "PUT": Permission.MANAGE_SOURCE}

    @extend_schema(operation_id="GetSourceLogs", responses={200: SourceLogsShape, **error_answers()})
    def get(self, request: Request, source_id: int) -> Response:
        """What all syncs of a source log in it."""
        return Response(_of_source(source_for(self.actor, source_id)))

    @extend_schema(
        operation_id="ChangeSourceLogs", request=SourceLogsShape, responses={200: SourceLogsShape, **error_answers()}
    )
    def put(self, request: Request, source_id: int) -> Response:
        """Choose what all syncs of a source log, and how long the changelog is kept; tables written so far stay."""
        source = source_for(self.actor, source_id)
        values = self.body(SourceLogsShape)
        changed = change_logs_of_source(
            actor=self.actor, source=source, tables=values["tables"], changelog_days=values["changelogDays"]
        )
        return Response(_of_source(changed))


def _of_sync(sync: Sync) -> dict[str, Any]:
    return {"tables": sync.sync_logs, "ofSource": sync.model.source.sync_logs}


def _of_source(source: Source) -> dict[str, Any]:
    return {"tables": source.sync_logs, "changelogDays": source.changelog_days}
