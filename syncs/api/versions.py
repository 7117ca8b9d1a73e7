"""Endpoints of earlier versions of models and syncs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers, list_of
from governance.approvals.registry import Part
from governance.selectors import sentence
from syncs import access, services
from syncs.api.models import KEY_CHANGES, models_json
from syncs.api.publication import ask_for_approval, chosen_way
from syncs.api.shapes import ModelOut, PublicationShape, SyncOut, syncs_json
from syncs.models import Model, Sync
from syncs.services.models import KeyChange
from syncs.versions import Version, live_state, parts_between, version_of, versions_of
from workspaces.permissions import Permission


class VersionOut(serializers.Serializer[Any]):
    """What was live after one change. ``obstacle`` says why it cannot be restored; empty where it can."""

    id = serializers.CharField(help_text="The audit entry that left it")
    at = serializers.DateTimeField()
    by = serializers.CharField()
    summary = serializers.CharField()
    changed = serializers.ListField(child=serializers.CharField(), help_text="The parts that its change touched")
    current = serializers.BooleanField(help_text="Whether it is what is live")
    obstacle = serializers.CharField()


class VersionDifference(serializers.Serializer[Any]):
    """One part that restoring would change: as it is live, and as it was."""

    part = serializers.CharField()
    live = serializers.JSONField()
    version = serializers.JSONField()


class VersionDetail(VersionOut):
    """One version beside what is live; ``kept`` is not in the log and stays as it is now."""

    differences = VersionDifference(many=True)
    kept = serializers.ListField(child=serializers.CharField())


class RestoreModel(PublicationShape):
    """What becomes of it. A version with another key says what the model's syncs do, as in a change of the model."""

    primaryKeyChange = serializers.ChoiceField(sorted(KEY_CHANGES), required=False, allow_null=True)


class RestoreSync(PublicationShape):
    """What becomes of it."""


def version_json(version: Version) -> dict[str, Any]:
    """A version in a list."""
    return {
        "id": str(version.entry.pk),
        "at": version.entry.at,
        "by": version.entry.actor_label,
        "summary": sentence(version.entry),
        "changed": list(version.parts),
        "current": version.current,
        "obstacle": version.obstacle,
    }


def detail_json(version: Version, parts: Sequence[Part]) -> dict[str, Any]:
    """A version beside what is live."""
    differences = [{"part": part.label, "live": part.before, "version": part.after} for part in parts]
    return {**version_json(version), "differences": differences, "kept": list(version.kept)}


def _listed(row: Model | Sync) -> Response:
    return Response({"data": [version_json(version) for version in versions_of(row)]})


def _compared(row: Model | Sync, version_id: int) -> Response:
    found = version_of(row, version_id)
    try:
        parts = parts_between(row, live_state(row), found.state)
    except (KeyError, ValueError):  # a mode or type that this version of Headrace no longer has
        parts = []
    return Response(detail_json(found, parts))


class ModelVersionsView(ApiView):
    """The versions of a model."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListModelVersion", responses={200: list_of(VersionOut), **error_answers()})
    def get(self, request: Request, model_id: int) -> Response:
        """List the versions of a model that the audit log knows, newest first."""
        return _listed(access.defined_model_for(self.actor, model_id))


class ModelVersionView(ApiView):
    """One version of a model."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.DRAFT_FROM_SOURCE}

    @extend_schema(operation_id="GetModelVersion", responses={200: VersionDetail, **error_answers()})
    def get(self, request: Request, model_id: int, version_id: int) -> Response:
        """Get a version of a model, with what restoring it would change."""
        return _compared(access.defined_model_for(self.actor, model_id), version_id)

    @extend_schema(
        operation_id="RestoreModelVersion", request=RestoreModel, responses={200: ModelOut, **error_answers()}
    )
    def post(self, request: Request, model_id: int, version_id: int) -> Response:
        """Restore a version of a model, with the checks, rights and approvals of any edit."""
        model = access.defined_model_for(self.actor, model_id)
        found = version_of(model, version_id)
        values = self.body(RestoreModel)
        chosen, way = values.get("primaryKeyChange"), chosen_way(self.actor, values)
        key_change = KeyChange(reset=KEY_CHANGES[chosen]) if chosen else None
        draft = services.restore_model(
            actor=self.actor, model=model, version=found.entry.pk, way=way, key_change=key_change
        )
        ask_for_approval(self.actor, draft, way)
        return Response(models_json(self.actor, [access.model_for(self.actor, model_id)])[0])


class SyncVersionsView(ApiView):
    """The versions of a sync."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListSyncVersion", responses={200: list_of(VersionOut), **error_answers()})
    def get(self, request: Request, sync_id: int) -> Response:
        """List the versions of a sync that the audit log knows, newest first."""
        return _listed(access.sync_for(self.actor, sync_id))


class SyncVersionView(ApiView):
    """One version of a sync."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.DRAFT_TO_DESTINATION}

    @extend_schema(operation_id="GetSyncVersion", responses={200: VersionDetail, **error_answers()})
    def get(self, request: Request, sync_id: int, version_id: int) -> Response:
        """Get a version of a sync, with what restoring it would change."""
        return _compared(access.sync_for(self.actor, sync_id), version_id)

    @extend_schema(operation_id="RestoreSyncVersion", request=RestoreSync, responses={200: SyncOut, **error_answers()})
    def post(self, request: Request, sync_id: int, version_id: int) -> Response:
        """Restore a version of a sync, with the checks, rights and approvals of any edit; its credentials stay."""
        sync = access.sync_for(self.actor, sync_id)
        found = version_of(sync, version_id)
        way = chosen_way(self.actor, self.body(RestoreSync))
        draft = services.restore_sync(actor=self.actor, sync=sync, version=found.entry.pk, way=way)
        ask_for_approval(self.actor, draft, way)
        return Response(syncs_json([access.sync_for(self.actor, sync_id)])[0])
