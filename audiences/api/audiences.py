"""Endpoints of audiences: their definitions, and counting their members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import prefetch_related_objects
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.shapes import NamedOut, OfParentQuery, named_json, narrowed
from audiences.choices import CalculationKind, CalculationState
from audiences.models import Audience, SchemaModel
from audiences.query.codec import dump, load_definition
from audiences.query.errors import InvalidTree
from audiences.services import audiences as services
from audiences.services import organizing
from audiences.services.syncing import open_for_syncs
from audiences.templating import with_templates
from config.api import ApiView, LabelsField, error_answers, id_text, list_of, list_response, parse_query
from config.errors import Invalid
from connectors.access import destination_for
from workspaces.access import folder_for, space_for
from workspaces.folders import within
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class SubsetIds(serializers.ListField):
    """The subsets that an audience is built from: any of each category, all categories."""

    child = serializers.IntegerField()


class AudienceQuery(OfParentQuery):
    """Query parameters of the list of audiences."""

    folderId = serializers.IntegerField(required=False, help_text="In this folder, or one below it")


class AudienceIn(serializers.Serializer[Any]):
    """A new audience; ``definition`` is described by the reference of conditions.

    With ``templateIds`` the conditions of these templates hold, too; ``blanks`` are the operands that fill what they
    left blank, by label.
    """

    parentModelId = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    definition = serializers.JSONField(required=False, default=dict)
    templateIds = serializers.ListField(child=serializers.IntegerField(), required=False, default=list, max_length=20)
    blanks = serializers.DictField(required=False, default=dict)
    spaceId = serializers.IntegerField(required=False, allow_null=True, default=None)
    folderId = serializers.IntegerField(required=False, allow_null=True, default=None)
    subsetIds = SubsetIds(required=False, allow_null=True, default=None)
    sampled = serializers.BooleanField(required=False, default=False)


class AudienceUpdate(serializers.Serializer[Any]):
    """What to change of an audience. ``tags`` replace all labels; a ``spaceId`` of null is everyone's.

    Its syncs move with it to the folder; a ``folderId`` of null is none.
    """

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    definition = serializers.JSONField(required=False)
    subsetIds = SubsetIds(required=False)
    sampled = serializers.BooleanField(required=False)
    tags = LabelsField(required=False)
    spaceId = serializers.IntegerField(required=False, allow_null=True)
    folderId = serializers.IntegerField(required=False, allow_null=True)


class AudienceOut(NamedOut):
    """An audience. ``size`` is how many members there were at ``sizedAt``; empty where nobody has counted.

    ``modelId`` is what its syncs name as their model; empty until syncs were asked for. With ``sampled`` its pages ask
    the sample of its parent model, where there is one.
    """

    parentModelId = serializers.CharField()
    description = serializers.CharField()
    definition = serializers.JSONField()
    subsetIds = serializers.ListField(child=serializers.CharField())
    modelId = serializers.CharField(allow_null=True)
    sampled = serializers.BooleanField()
    size = serializers.IntegerField(allow_null=True)
    sizedAt = serializers.DateTimeField(allow_null=True)
    tags = LabelsField()
    spaceId = serializers.CharField(allow_null=True)
    folderId = serializers.CharField(allow_null=True)


class SizeIn(serializers.Serializer[Any]):
    """With a destination its rules are counted, too; ``sampled`` asks the sample, which is quicker and about right."""

    sampled = serializers.BooleanField(required=False, default=False)
    destinationId = serializers.IntegerField(required=False, allow_null=True, default=None)


class RuleCount(serializers.Serializer[Any]):
    """How many members one destination rule lets through."""

    name = serializers.CharField()
    sent = serializers.IntegerField()


class LinkedCount(serializers.Serializer[Any]):
    """How many households or accounts have at least one member."""

    name = serializers.CharField()
    entity = serializers.CharField()
    members = serializers.IntegerField()


class SizeOut(serializers.Serializer[Any]):
    """A count: ``members`` of ``total`` rows, and how many are left ``after`` each condition at the top in turn.

    ``linked`` counts the households and accounts that they belong to, where the schema labels such models.
    ``status`` is empty where nobody has counted, or where that was longer than a day ago. Where it was asked for with a
    destination, ``sent`` are those whom all of its rules let through, and ``rules`` whom each alone would. With a
    ``samplePercent`` it was worked out from a sample of so many percent, and all numbers are approximate.
    """

    status = serializers.ChoiceField(CalculationState.values, allow_null=True)
    members = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    after = serializers.ListField(child=serializers.IntegerField())
    linked = LinkedCount(many=True)
    sent = serializers.IntegerField(allow_null=True)
    rules = RuleCount(many=True)
    samplePercent = serializers.FloatField(allow_null=True)
    error = serializers.CharField()


def audiences_json(rows: Iterable[Audience]) -> list[dict[str, Any]]:
    """Several audiences, their subsets in one query."""
    found = list(rows)
    prefetch_related_objects(found, "chosen")
    return [
        named_json(
            row,
            parentModelId=str(row.parent_model_id),
            description=row.description,
            definition=row.definition,
            subsetIds=[str(each.subset_id) for each in row.chosen.all()],
            modelId=id_text(row.model_id),
            sampled=row.sampled,
            size=row.size,
            sizedAt=row.sized_at,
            tags=row.labels,
            spaceId=id_text(row.space_id),
            folderId=id_text(row.folder_id),
        )
        for row in found
    ]


class AudienceListView(ApiView):
    """The audiences of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListAudience",
        parameters=[AudienceQuery],
        responses={200: list_of(AudienceOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the audiences."""
        query = parse_query(request, AudienceQuery)
        rows = narrowed(access.audiences_in_view(self.actor), query)
        if query.get("folderId") is not None:
            rows = rows.filter(folder__in=within(query["folderId"]))
        return list_response(rows, query, audiences_json)

    @extend_schema(operation_id="CreateAudience", request=AudienceIn, responses={200: AudienceOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Add an audience of a parent model."""
        values = self.body(AudienceIn)
        parent = access.parent_to_build_on(self.actor, values["parentModelId"])
        made = services.create_audience(
            actor=self.actor,
            parent=parent,
            name=values["name"],
            description=values["description"],
            definition=self._definition(parent, values),
            space_id=values["spaceId"],
            folder_id=values["folderId"],
            subset_ids=values["subsetIds"],
            sampled=values["sampled"],
        )
        return Response(audiences_json([made])[0])

    def _definition(self, parent: SchemaModel, values: Mapping[str, Any]) -> Any:
        templates = [access.template_for(self.actor, pk) for pk in values["templateIds"]]
        if any(template.parent_model_id != parent.pk for template in templates):
            raise Invalid.field("templateIds", "A template of another parent model is among them.")
        if not templates:
            return values["definition"]
        try:
            own = dump(load_definition(values["definition"]))
        except InvalidTree as error:
            raise Invalid.field("definition", str(error)) from None
        return with_templates(own, templates, values["blanks"])


class AudienceView(ApiView):
    """One audience."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetAudience", responses={200: AudienceOut, **error_answers()})
    def get(self, request: Request, audience_id: int) -> Response:
        """Get an audience by its id."""
        return Response(audiences_json([access.audience_for(self.actor, audience_id)])[0])

    @extend_schema(
        operation_id="UpdateAudience", request=AudienceUpdate, responses={200: AudienceOut, **error_answers()}
    )
    def patch(self, request: Request, audience_id: int) -> Response:
        """Change an audience's name, description, definition, labels, folder or space."""
        values = self.body(AudienceUpdate)
        audience = access.audience_for(self.actor, audience_id)
        told = ("name", "description", "definition", "sampled")
        change: dict[str, Any] = {key: values[key] for key in told if key in values}
        if "subsetIds" in values:
            change["subset_ids"] = values["subsetIds"]
        if change:
            services.update_audience(actor=self.actor, audience=audience, **change)
        if "tags" in values:
            gone = set(audience.labels) - set(values["tags"])
            organizing.label_audience(actor=self.actor, audience=audience, add=values["tags"], remove=gone)
        if "folderId" in values:
            folder = None if values["folderId"] is None else folder_for(values["folderId"])
            organizing.move_audience(actor=self.actor, audience=audience, folder=folder)
        if "spaceId" in values:
            space = None if values["spaceId"] is None else space_for(self.actor, values["spaceId"])
            organizing.move_audience_to_space(actor=self.actor, audience=audience, space=space)
        return Response(audiences_json([access.audience_for(self.actor, audience_id)])[0])

    @extend_schema(operation_id="DeleteAudience", responses={204: None, **error_answers()})
    def delete(self, request: Request, audience_id: int) -> Response:
        """Delete an audience that no other one is made of."""
        services.delete_audience(actor=self.actor, audience=access.audience_for(self.actor, audience_id))
        return Response(status=204)


class AudienceModelView(ApiView):
    """What the syncs of an audience read."""

    permission = {"POST": WRITE}

    @extend_schema(operation_id="OpenAudience", request=None, responses={200: AudienceOut, **error_answers()})
    def post(self, request: Request, audience_id: int) -> Response:
        """Let syncs send an audience: its modelId is there from now on, and its columns are up to date."""
        audience = access.audience_for(self.actor, audience_id)
        open_for_syncs(actor=self.actor, audience=audience)
        return Response(audiences_json([access.audience_for(self.actor, audience_id)])[0])


class AudienceSizeView(ApiView):
    """The size of one audience."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(operation_id="GetAudienceSize", responses={200: SizeOut, **error_answers()})
    def get(self, request: Request, audience_id: int) -> Response:
        """Get the newest count of an audience's members, under way or ended."""
        return Response(self._newest(access.audience_for(self.actor, audience_id)))

    @extend_schema(operation_id="CalculateAudienceSize", request=SizeIn, responses={200: SizeOut, **error_answers()})
    def post(self, request: Request, audience_id: int) -> Response:
        """Let the source count an audience's members, and whom a destination's rules let through."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(SizeIn)
        destination = None if values["destinationId"] is None else destination_for(self.actor, values["destinationId"])
        services.calculate_size(
            actor=self.actor,
            parent=audience.parent_model,
            definition=audience.definition,
            audience=audience,
            destination=destination,
            sampled=values["sampled"],
        )
        return Response(self._newest(audience))

    def _newest(self, audience: Audience) -> dict[str, Any]:
        made = audience.calculations.filter(kind=CalculationKind.SIZE).first()
        counts = made.counts if made else {}
        return {
            "status": made.state if made else None,
            "members": counts.get("members", audience.size),
            "total": counts.get("total"),
            "after": counts.get("after", []),
            "linked": counts.get("linked", []),
            "sent": counts.get("sent"),
            "rules": counts.get("rules", []),
            "samplePercent": counts.get("sample"),
            "error": f"{made.error_message} {made.error_hint}".strip() if made else "",
        }
