"""Endpoints of what audiences are like: their size over time, comparisons, breakdowns, and single rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.choices import CalculationKind, CalculationState, SizeReason
from audiences.looking import plain
from audiences.models import AudienceSize, Calculation
from audiences.query.insights import Calculation as Calculated
from audiences.selectors.insights import answer_for
from audiences.services import explaining, insights, profiles
from audiences.services.audiences import give_up_calculation
from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class SizesQuery(ListQuery):
    """A list of sizes, the oldest first."""

    orderable = {"id": "id", "at": "at"}


class SizeAtOut(serializers.Serializer[Any]):
    """How many members an audience had at a moment, and why it was counted then."""

    at = serializers.DateTimeField()
    members = serializers.IntegerField()
    reason = serializers.ChoiceField(SizeReason.values)


class OverlapIn(serializers.Serializer[Any]):
    """The audiences of the same parent model to compare with, five at most; ``sampled`` asks the sample."""

    audienceIds = serializers.ListField(child=serializers.IntegerField(), max_length=insights.MOST_OTHERS)
    sampled = serializers.BooleanField(required=False, default=False)


class BreakdownIn(serializers.Serializer[Any]):
    """What to group by and, but for ``count``, what to calculate with.

    A measure is ``{"field": {"column": "region"}}``, ``{"trait": "7"}`` or ``{"relationship": "3"}``: the id of one.
    ``sampled`` asks the sample.
    """

    by = serializers.JSONField()
    measure = serializers.JSONField(required=False, allow_null=True, default=None)
    calculation = serializers.ChoiceField([each.value for each in Calculated], default=Calculated.COUNT.value)
    sampled = serializers.BooleanField(required=False, default=False)


class CalculationOut(serializers.Serializer[Any]):
    """A question to the source. ``answer`` is there once it is ready, and for two hours at most.

    With ``sample`` in it, the percent of a sample, its numbers are approximate.
    """

    id = serializers.CharField()
    kind = serializers.ChoiceField(CalculationKind.values)
    status = serializers.ChoiceField(CalculationState.values)
    answer = serializers.JSONField()
    error = serializers.CharField()


class KeyIn(serializers.Serializer[Any]):
    """The primary key of one row of the parent model."""

    key = serializers.CharField(max_length=400)


class ConditionOut(serializers.Serializer[Any]):
    """One condition: its place in the definition, in words, whether it holds, and the value that it tested."""

    pointer = serializers.CharField()
    words = serializers.CharField()
    holds = serializers.BooleanField()
    value = serializers.JSONField(allow_null=True)
    hidden = serializers.BooleanField()


class ExplanationOut(serializers.Serializer[Any]):
    """Whether a row is a member, whether the conditions hold for it (limits and subsets aside), and each of them."""

    member = serializers.BooleanField()
    holds = serializers.BooleanField()
    conditions = ConditionOut(many=True)


class ProfileOut(serializers.Serializer[Any]):
    """One row: its columns and traits by name, and the names of columns whose privacy hides them."""

    key = serializers.CharField()
    columns = serializers.DictField()
    traits = serializers.DictField()
    hidden = serializers.ListField(child=serializers.CharField())
    audienceIds = serializers.ListField(child=serializers.CharField())


class AudienceSizesView(ApiView):
    """The sizes of one audience over time."""

    permission = {"GET": READ}

    @extend_schema(
        operation_id="ListAudienceSize",
        parameters=[SizesQuery],
        responses={200: list_of(SizeAtOut), **error_answers()},
    )
    def get(self, request: Request, audience_id: int) -> Response:
        """List how many members an audience had: once a day, after runs, and when somebody counted."""
        audience = access.audience_for(self.actor, audience_id)
        return list_response(audience.sizes.all(), parse_query(request, SizesQuery), _sizes_json)


class Asking(ApiView):
    """What answers with a calculation."""

    def shown(self, made: Calculation) -> dict[str, Any]:
        """A calculation as this caller may see it."""
        return {
            "id": str(made.pk),
            "kind": made.kind,
            "status": made.state,
            "answer": answer_for(self.actor, made),
            "error": f"{made.error_message} {made.error_hint}".strip(),
        }


class OverlapView(Asking):
    """Comparing one audience with others."""

    permission = {"POST": WRITE}

    @extend_schema(
        operation_id="CompareAudience", request=OverlapIn, responses={200: CalculationOut, **error_answers()}
    )
    def post(self, request: Request, audience_id: int) -> Response:
        """Let the source count whom an audience shares with others; ask for the calculation to see the answer."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(OverlapIn)
        made = insights.compare_audiences(
            actor=self.actor,
            parent=audience.parent_model,
            definition=audience.definition,
            other_ids=values["audienceIds"],
            audience=audience,
            sampled=values["sampled"],
        )
        return Response(self.shown(made))


class BreakdownView(Asking):
    """Breaking one audience down."""

    permission = {"POST": WRITE}

    @extend_schema(
        operation_id="BreakDownAudience", request=BreakdownIn, responses={200: CalculationOut, **error_answers()}
    )
    def post(self, request: Request, audience_id: int) -> Response:
        """Let the source put an audience's members into groups; ask for the calculation to see the answer."""
        audience = access.audience_for(self.actor, audience_id)
        made = insights.break_down(
            actor=self.actor,
            parent=audience.parent_model,
            definition=audience.definition,
            audience=audience,
            **self.body(BreakdownIn),
        )
        return Response(self.shown(made))


class CalculationView(Asking):
    """One calculation."""

    permission = {"GET": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetCalculation", responses={200: CalculationOut, **error_answers()})
    def get(self, request: Request, calculation_id: int) -> Response:
        """Get how far a calculation is, and its answer."""
        return Response(self.shown(access.calculation_for(self.actor, calculation_id)))

    @extend_schema(operation_id="GiveUpCalculation", responses={204: None, **error_answers()})
    def delete(self, request: Request, calculation_id: int) -> Response:
        """Give a calculation up; a query under way is stopped."""
        give_up_calculation(actor=self.actor, calculation=access.calculation_for(self.actor, calculation_id))
        return Response(status=204)


class ExplanationView(ApiView):
    """Why one row is in an audience or not."""

    permission = {"POST": READ}

    @extend_schema(operation_id="ExplainMember", request=KeyIn, responses={200: ExplanationOut, **error_answers()})
    def post(self, request: Request, audience_id: int) -> Response:
        """Say of each condition of an audience whether it holds for one row."""
        audience = access.audience_for(self.actor, audience_id)
        found = explaining.explain_member(
            actor=self.actor,
            parent=audience.parent_model,
            definition=audience.definition,
            key=self.body(KeyIn)["key"],
            audience=audience,
        )
        conditions = [
            {
                "pointer": each.pointer,
                "words": each.words,
                "holds": each.holds,
                "value": plain(each.value),
                "hidden": each.hidden,
            }
            for each in found.conditions
        ]
        return Response({"member": found.member, "holds": found.holds, "conditions": conditions})


class ProfileView(ApiView):
    """The profile of one row of a parent model."""

    permission = {"POST": READ}

    @extend_schema(operation_id="GetProfile", request=KeyIn, responses={200: ProfileOut, **error_answers()})
    def post(self, request: Request, schema_model_id: int) -> Response:
        """Get what is known of one row, as far as rights and privacy allow, and the audiences that it is in."""
        parent = access.parent_model_for(self.actor, schema_model_id)
        key = self.body(KeyIn)["key"]
        found = profiles.view_profile(actor=self.actor, parent=parent, key=key)
        audiences = profiles.view_memberships(actor=self.actor, parent=parent, key=key)
        answer = {
            "key": found.key,
            "columns": {title: plain(value) for title, value in found.values},
            "traits": {title: plain(value) for title, value in found.traits},
            "hidden": list(found.hidden),
            "audienceIds": [str(each.pk) for each in audiences],
        }
        return Response(answer)


def _sizes_json(rows: Iterable[AudienceSize]) -> list[dict[str, Any]]:
    return [{"at": row.at, "members": row.members, "reason": row.reason} for row in rows]
