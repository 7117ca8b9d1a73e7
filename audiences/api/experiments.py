"""Endpoints of experiments: the groups of an audience, and those that a sync is for."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.models import Audience
from audiences.selectors.experiments import groups_of_sync, running_experiment
from audiences.services import experiments as services
from config.api import ApiView, error_answers
from config.errors import NotFound
from syncs.access import sync_for
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class ExperimentGroupIn(serializers.Serializer[Any]):
    """A group; ``id`` names one that is there, others are added."""

    id = serializers.IntegerField(required=False, allow_null=True, default=None)
    name = serializers.CharField(max_length=200)
    percent = serializers.DecimalField(max_digits=5, decimal_places=2)


class ExperimentIn(serializers.Serializer[Any]):
    """All groups as they are to be. ``anyway`` changes shares of an experiment that has begun."""

    groups = ExperimentGroupIn(many=True)
    stratify = serializers.ListField(child=serializers.CharField(), required=False, default=None, allow_null=True)
    anyway = serializers.BooleanField(required=False, default=False)


class ExperimentGroupOut(serializers.Serializer[Any]):
    """A group of an experiment, and the syncs that are for it: none for a control."""

    id = serializers.CharField()
    name = serializers.CharField()
    percent = serializers.CharField()
    syncIds = serializers.ListField(child=serializers.CharField())


class ExperimentOut(serializers.Serializer[Any]):
    """The experiment of an audience; it has begun at ``launchedAt``."""

    id = serializers.CharField()
    audienceId = serializers.CharField()
    groups = ExperimentGroupOut(many=True)
    stratify = serializers.ListField(child=serializers.CharField())
    launchedAt = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()


class SyncGroupsIn(serializers.Serializer[Any]):
    """The groups that a sync is for; none of them means everybody."""

    groupIds = serializers.ListField(child=serializers.IntegerField())


class SyncGroupsOut(serializers.Serializer[Any]):
    """The groups that a sync is for."""

    groupIds = serializers.ListField(child=serializers.CharField())


class AudienceExperimentView(ApiView):
    """The experiment of one audience."""

    permission = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetExperiment", responses={200: ExperimentOut, **error_answers()})
    def get(self, request: Request, audience_id: int) -> Response:
        """Get the groups of an audience."""
        return Response(self._shown(access.audience_for(self.actor, audience_id)))

    @extend_schema(
        operation_id="PutExperiment", request=ExperimentIn, responses={200: ExperimentOut, **error_answers()}
    )
    def put(self, request: Request, audience_id: int) -> Response:
        """Divide an audience into groups, or change them."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(ExperimentIn)
        groups = [services.GroupProposal(each["name"], each["percent"], each["id"]) for each in values["groups"]]
        given: dict[str, Any] = {"actor": self.actor, "audience": audience, "groups": groups}
        if running_experiment(audience) is None:
            services.enable_experiment(**given, stratify=values["stratify"] or ())
        else:
            services.change_experiment(**given, stratify=values["stratify"], anyway=values["anyway"])
        return Response(self._shown(audience))

    @extend_schema(operation_id="DeleteExperiment", responses={204: None, **error_answers()})
    def delete(self, request: Request, audience_id: int) -> Response:
        """End an experiment for whose groups there is no sync any more."""
        services.disable_experiment(actor=self.actor, audience=access.audience_for(self.actor, audience_id))
        return Response(status=204)

    def _shown(self, audience: Audience) -> dict[str, Any]:
        experiment = running_experiment(audience)
        if experiment is None:
            raise NotFound("This audience has no experiment groups.")
        return {
            "id": str(experiment.pk),
            "audienceId": str(audience.pk),
            "groups": [
                {
                    "id": str(group.pk),
                    "name": group.name,
                    "percent": group.percent,
                    "syncIds": [str(row.sync_id) for row in group.syncs.all()],
                }
                for group in experiment.groups.prefetch_related("syncs")
            ],
            "stratify": experiment.stratify,
            "launchedAt": experiment.launched_at,
            "createdAt": experiment.created_at,
        }


class SyncGroupsView(ApiView):
    """The groups of one sync."""

    permission = {"GET": READ, "PUT": WRITE}

    @extend_schema(operation_id="GetSyncGroups", responses={200: SyncGroupsOut, **error_answers()})
    def get(self, request: Request, sync_id: int) -> Response:
        """Get the groups that a sync is for."""
        return Response(self._shown(sync_id))

    @extend_schema(
        operation_id="PutSyncGroups", request=SyncGroupsIn, responses={200: SyncGroupsOut, **error_answers()}
    )
    def put(self, request: Request, sync_id: int) -> Response:
        """Choose the groups that a sync is for."""
        sync = sync_for(self.actor, sync_id)
        services.choose_sync_groups(actor=self.actor, sync=sync, group_ids=self.body(SyncGroupsIn)["groupIds"])
        return Response(self._shown(sync_id))

    def _shown(self, sync_id: int) -> dict[str, Any]:
        groups = groups_of_sync(sync_for(self.actor, sync_id))
        return {"groupIds": [str(group.pk) for group in groups]}
