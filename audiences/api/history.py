"""Endpoints of what is written down about members: snapshots, who was in an audience, and whom runs held out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.choices import Every, LogPlace, RecordingReason, RecordingState
from audiences.models import Audience, AudienceLogs, Recording
from audiences.selectors.subsets import require_all_rows
from audiences.services import recordings as services
from audiences.services.members import record_members_preview
from config.api import ApiView, ListQuery, error_answers, id_text, list_of, list_response, page_of, parse_query
from config.errors import NotFound
from connectors.access import source_for
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class SnapshotQuery(ListQuery):
    """A list of snapshots, the newest first."""

    orderBy = serializers.CharField(required=False, default="-id")
    orderable = {"id": "id", "at": "moment"}


class SnapshotOut(serializers.Serializer[Any]):
    """One time that the members of an audience were written down: how many came and went since the one before."""

    id = serializers.CharField()
    audienceId = serializers.CharField()
    runId = serializers.CharField(allow_null=True)
    reason = serializers.ChoiceField(RecordingReason.values)
    status = serializers.ChoiceField(RecordingState.values)
    at = serializers.DateTimeField()
    entered = serializers.IntegerField(allow_null=True)
    exited = serializers.IntegerField(allow_null=True)
    synced = serializers.IntegerField(allow_null=True)
    heldOut = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()


class PlaceQuery(serializers.Serializer[Any]):
    """Where a page of rows begins, and how many it has: ``after`` is what the page before it said."""

    after = serializers.CharField(required=False, default="", max_length=2000)
    limit = serializers.IntegerField(required=False, default=1000, min_value=1, max_value=10_000)


class MembersQuery(PlaceQuery):
    """Members at a moment: now, where none is given."""

    at = serializers.DateTimeField(required=False)


class EntriesQuery(PlaceQuery):
    """Entries of the history, of one row where its key is given."""

    rowId = serializers.CharField(required=False, default="", max_length=400)


class MemberAtOut(serializers.Serializer[Any]):
    """The key of a member, and their experiment group then."""

    rowId = serializers.CharField()
    groupId = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)


class EntryOut(serializers.Serializer[Any]):
    """Somebody entered or left; a change of group is one of each."""

    at = serializers.DateTimeField()
    rowId = serializers.CharField()
    event = serializers.ChoiceField(["enter", "exit"])
    groupId = serializers.CharField(allow_null=True)
    group = serializers.CharField(allow_null=True)


class HeldOutOut(serializers.Serializer[Any]):
    """A row that a run did not get because of its group, with the values that its privacy lets people see."""

    runId = serializers.CharField()
    syncId = serializers.CharField()
    at = serializers.DateTimeField()
    rowId = serializers.CharField()
    group = serializers.CharField(allow_null=True)
    values = serializers.DictField()


class AudienceLogsIn(serializers.Serializer[Any]):
    """What the audiences of a source log; what is left out stays as it is."""

    snapshots = serializers.BooleanField(required=False)
    holdouts = serializers.BooleanField(required=False)
    every = serializers.ChoiceField(Every.values, required=False, help_text="Besides the snapshots after runs")


class AudienceLogsOut(serializers.Serializer[Any]):
    """What the audiences of a source log, and where: nowhere before the first entry."""

    snapshots = serializers.BooleanField()
    holdouts = serializers.BooleanField()
    every = serializers.ChoiceField(Every.values)
    place = serializers.ChoiceField([*LogPlace.values, ""])


class SnapshotListView(ApiView):
    """The snapshots of one audience."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListSnapshot",
        parameters=[SnapshotQuery],
        responses={200: list_of(SnapshotOut), **error_answers()},
    )
    def get(self, request: Request, audience_id: int) -> Response:
        """List when the members of an audience were written down, the newest first."""
        audience = access.audience_for(self.actor, audience_id)
        rows = Recording.objects.filter(audience=audience)
        return list_response(rows, parse_query(request, SnapshotQuery), _snapshots_json)

    @extend_schema(operation_id="TakeSnapshot", request=None, responses={200: SnapshotOut, **error_answers()})
    def post(self, request: Request, audience_id: int) -> Response:
        """Let a worker write down who is in an audience now; ask for the snapshot to see how far it is."""
        audience = access.audience_for(self.actor, audience_id)
        return Response(_snapshots_json([services.take_snapshot(actor=self.actor, audience=audience)])[0])


class SnapshotView(ApiView):
    """One snapshot."""

    permission = {"GET": READ}

    @extend_schema(operation_id="GetSnapshot", responses={200: SnapshotOut, **error_answers()})
    def get(self, request: Request, audience_id: int, snapshot_id: int) -> Response:
        """Get how far a snapshot is, and how many came and went."""
        audience = access.audience_for(self.actor, audience_id)
        found = Recording.objects.filter(audience=audience, pk=snapshot_id).first()
        if found is None:
            raise NotFound("There is no such snapshot of this audience.")
        return Response(_snapshots_json([found])[0])


class _History(ApiView):
    """What shows keys: for those who see every row that the audience may have."""

    permission = {"GET": READ}

    def audience(self, audience_id: int) -> Audience:
        """The audience, once it is remembered who looked."""
        audience = access.audience_for(self.actor, audience_id)
        access.require_view_rows(self.actor, audience.parent_model)
        require_all_rows(self.actor, audience.parent_model)
        record_members_preview(actor=self.actor, parent=audience.parent_model, audience=audience)
        return audience


class MembersAtView(_History):
    """Who was in an audience."""

    @extend_schema(
        operation_id="ListMembersAt",
        parameters=[MembersQuery],
        responses={200: page_of(MemberAtOut), **error_answers()},
    )
    def get(self, request: Request, audience_id: int) -> Response:
        """List who was in an audience at a moment, by its snapshots."""
        from audiences.selectors.history import page_of_members  # on first use: few requests ask

        query = _asked(request, MembersQuery)
        page = page_of_members(
            self.audience(audience_id), query.get("at") or timezone.now(), query["after"], query["limit"]
        )
        return Response({"data": page.rows, "after": page.after})


class MembershipHistoryView(_History):
    """Who entered and left an audience."""

    @extend_schema(
        operation_id="ListMembershipHistory",
        parameters=[EntriesQuery],
        responses={200: page_of(EntryOut), **error_answers()},
    )
    def get(self, request: Request, audience_id: int) -> Response:
        """List who entered an audience and who left, and when that was found."""
        from audiences.selectors.history import page_of_entries

        query = _asked(request, EntriesQuery)
        page = page_of_entries(self.audience(audience_id), query["after"], query["limit"], query["rowId"])
        return Response({"data": page.rows, "after": page.after})


class HoldoutsView(_History):
    """Whom runs held out."""

    @extend_schema(
        operation_id="ListHoldout", parameters=[PlaceQuery], responses={200: page_of(HeldOutOut), **error_answers()}
    )
    def get(self, request: Request, audience_id: int) -> Response:
        """List the rows that runs did not get because they are in another experiment group."""
        from audiences.selectors.history import page_of_holdouts

        query = _asked(request, PlaceQuery)
        page = page_of_holdouts(self.audience(audience_id), query["after"], query["limit"])
        return Response({"data": page.rows, "after": page.after})


class AudienceLogsView(ApiView):
    """What the audiences of one source log."""

    permission = {"GET": READ, "PATCH": Permission.MANAGE_SOURCE}

    @extend_schema(operation_id="GetAudienceLogs", responses={200: AudienceLogsOut, **error_answers()})
    def get(self, request: Request, source_id: int) -> Response:
        """Get what is written down about the members of audiences built on a source."""
        return Response(_logs_json(services.logs_of(source_for(self.actor, source_id))))

    @extend_schema(
        operation_id="UpdateAudienceLogs", request=AudienceLogsIn, responses={200: AudienceLogsOut, **error_answers()}
    )
    def patch(self, request: Request, source_id: int) -> Response:
        """Choose what is written down; what was so far stays."""
        source = source_for(self.actor, source_id)
        values = self.body(AudienceLogsIn)
        logs = services.logs_of(source)
        now: dict[str, Any] = {"snapshots": logs.snapshots, "holdouts": logs.holdouts, "every": logs.every}
        return Response(_logs_json(services.change_audience_logs(actor=self.actor, source=source, **now | values)))


def _asked(request: Request, serializer: type[PlaceQuery]) -> dict[str, Any]:
    query = serializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def _logs_json(logs: AudienceLogs) -> dict[str, Any]:
    return {"snapshots": logs.snapshots, "holdouts": logs.holdouts, "every": logs.every, "place": logs.place}


def _snapshots_json(rows: Iterable[Recording]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.pk),
            "audienceId": str(row.audience_id),
            "runId": id_text(row.run_id),
            "reason": row.reason,
            "status": row.state,
            "at": row.moment,
            "entered": row.entered,
            "exited": row.exited,
            "synced": row.synced,
            "heldOut": row.held_out,
            "error": f"{row.error_message} {row.error_hint}".strip(),
        }
        for row in rows
    ]
