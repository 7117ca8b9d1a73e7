"""Endpoints of first rows: members of audiences, rows that a search finds, values of traits, what a row did."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.insights import Asking, CalculationOut, KeyIn
from audiences.api.shapes import COLUMN_TYPES
from audiences.looking import plain
from audiences.services import experiments, insights, profiles
from audiences.services.members import preview_members
from audiences.services.trait_previews import preview_trait
from config.api import ApiView, error_answers
from connectors.access import destination_for
from syncs.definitions import Preview
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class SampledIn(serializers.Serializer[Any]):
    """``sampled`` asks the sample."""

    sampled = serializers.BooleanField(required=False, default=False)


class MembersIn(SampledIn):
    """Members as they are now, with ``destinationId`` only those whom its rules let through."""

    destinationId = serializers.IntegerField(required=False, allow_null=True, default=None)


class SearchIn(serializers.Serializer[Any]):
    """The key of a row, or words in its labels; the first rows without any."""

    search = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class EventsIn(SampledIn):
    """In how many days, today included."""

    days = serializers.IntegerField(default=30)


class RowColumnOut(serializers.Serializer[Any]):
    """A column of first rows."""

    name = serializers.CharField()
    type = serializers.ChoiceField(COLUMN_TYPES)


class RowsOut(serializers.Serializer[Any]):
    """First rows, in no order, each with its values in the order of the columns; ``more`` where there are others.

    Columns that are off, or whose privacy hides their values, are left out.
    """

    columns = RowColumnOut(many=True)
    rows = serializers.ListField(child=serializers.ListField())
    more = serializers.BooleanField()


class TraitRowsOut(RowsOut):
    """Values of a trait beside what rows are known by; ``unfit`` says where SQL gives another type than declared."""

    unfit = serializers.CharField()


class HappenedOut(serializers.Serializer[Any]):
    """Something that somebody did."""

    event = serializers.CharField()
    at = serializers.CharField()
    values = serializers.DictField()


class TimelineOut(serializers.Serializer[Any]):
    """What a row did, newest first."""

    events = HappenedOut(many=True)


class AudienceMembersView(ApiView):
    """The members that an audience has now."""

    permission = {"POST": READ}

    @extend_schema(operation_id="PreviewAudience", request=MembersIn, responses={200: RowsOut, **error_answers()})
    def post(self, request: Request, audience_id: int) -> Response:
        """Ask the source for the first members of an audience, as far as rights, subsets and privacy allow."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(MembersIn)
        chosen = values["destinationId"]
        found = preview_members(
            actor=self.actor,
            parent=audience.parent_model,
            definition=audience.definition,
            audience=audience,
            destination=None if chosen is None else destination_for(self.actor, chosen),
            sampled=values["sampled"],
        )
        return Response(rows_json(found))


class ProfilesView(ApiView):
    """The rows of a parent model."""

    permission = {"POST": READ}

    @extend_schema(operation_id="SearchProfiles", request=SearchIn, responses={200: RowsOut, **error_answers()})
    def post(self, request: Request, schema_model_id: int) -> Response:
        """Find rows by their key or by words in their labels."""
        parent = access.parent_model_for(self.actor, schema_model_id)
        found = profiles.search_profiles(actor=self.actor, parent=parent, words=self.body(SearchIn)["search"])
        return Response(rows_json(found))


class TimelineView(ApiView):
    """What one row of a parent model did."""

    permission = {"POST": READ}

    @extend_schema(operation_id="GetTimeline", request=KeyIn, responses={200: TimelineOut, **error_answers()})
    def post(self, request: Request, schema_model_id: int) -> Response:
        """Get the newest events of one row."""
        parent = access.parent_model_for(self.actor, schema_model_id)
        found = profiles.view_timeline(actor=self.actor, parent=parent, key=self.body(KeyIn)["key"])
        events = [
            {"event": each.event, "at": plain(each.at), "values": {title: plain(value) for title, value in each.values}}
            for each in found
        ]
        return Response({"events": events})


class TraitPreviewView(ApiView):
    """Values of a saved trait."""

    permission = {"POST": READ}

    @extend_schema(operation_id="PreviewTrait", request=SampledIn, responses={200: TraitRowsOut, **error_answers()})
    def post(self, request: Request, trait_id: int) -> Response:
        """Ask the source for a trait's values of the first rows."""
        trait = access.trait_for(self.actor, trait_id)
        found = preview_trait(
            actor=self.actor,
            model=trait.model,
            definition=trait.definition,
            name=trait.name,
            sampled=self.body(SampledIn)["sampled"],
        )
        return Response({**rows_json(found.rows), "unfit": found.unfit})


class AudienceEventsView(Asking):
    """What members of an audience did."""

    permission = {"POST": WRITE}

    @extend_schema(
        operation_id="CountAudienceEvents", request=EventsIn, responses={200: CalculationOut, **error_answers()}
    )
    def post(self, request: Request, audience_id: int) -> Response:
        """Let the source count how many members did each event; ask for the calculation to see the answer."""
        audience = access.audience_for(self.actor, audience_id)
        made = insights.count_events(actor=self.actor, audience=audience, **self.body(EventsIn))
        return Response(self.shown(made))


class ExperimentCountView(Asking):
    """How many members each group of an experiment has."""

    permission = {"POST": WRITE}

    @extend_schema(
        operation_id="CountExperimentGroups", request=None, responses={200: CalculationOut, **error_answers()}
    )
    def post(self, request: Request, audience_id: int) -> Response:
        """Let the source count the members of each group; the answer has their numbers by the groups' ids."""
        audience = access.audience_for(self.actor, audience_id)
        return Response(self.shown(experiments.count_groups(actor=self.actor, audience=audience)))


def rows_json(found: Preview) -> dict[str, Any]:
    """First rows."""
    return {
        "columns": [{"name": column.name, "type": column.type.value} for column in found.columns],
        "rows": [[plain(value) for value in row] for row in found.rows or ()],
        "more": found.more,
    }
