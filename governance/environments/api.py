"""REST endpoints of links and deployments.

A key works in its own workspace only, so what reaches into another one brings that one's key too,
in the header ``X-Target-Authorization: Bearer hr_…``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from config.errors import Invalid
from config.ui.diff import field_changes
from governance.environments import selectors
from governance.environments.choices import Action, DeploymentState, ItemState
from governance.environments.deploying import deploy
from governance.environments.linking import link_things, linkable_kind, unlink_thing
from governance.environments.models import Deployment, DeploymentItem, LinkedThing
from governance.environments.planning import Item, Plan, Planned, Wanted, plan_deployment
from governance.environments.sides import Side
from workspaces.actors import for_api_key
from workspaces.authentication import key_in
from workspaces.models import Workspace
from workspaces.permissions import Permission

TARGET = "X-Target-Authorization"
TARGET_HEADER = OpenApiParameter(
    TARGET, str, OpenApiParameter.HEADER, required=True, description="`Bearer` and a key of the other workspace"
)


class ItemIn(serializers.Serializer[Any]):
    """A model or sync to deploy."""

    kind = serializers.ChoiceField(["model", "sync"])
    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class DeploymentIn(serializers.Serializer[Any]):
    """What to deploy. ``answers`` maps ``sync:12`` to values by path, as the plan's questions name them.

    With the ``digest`` of a plan the deployment is refused where either side has changed since.
    """

    items = ItemIn(many=True)
    includeSchedule = serializers.BooleanField(required=False, default=False)
    answers = serializers.DictField(child=serializers.DictField(child=serializers.CharField()), required=False)
    digest = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)


class ChangeOut(serializers.Serializer[Any]):
    """One part that differs there."""

    path = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class ProblemOut(serializers.Serializer[Any]):
    """What is in the way, or worth knowing."""

    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)


class QuestionOut(serializers.Serializer[Any]):
    """A value that has to be chosen for the other workspace; ``value`` is what will be taken, empty if none yet."""

    path = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name, not the serializer's own
    help = serializers.CharField(allow_blank=True)
    choices = serializers.ListField(child=serializers.CharField())
    secret = serializers.BooleanField()
    value = serializers.CharField(allow_blank=True)


class PlannedOut(serializers.Serializer[Any]):
    """One thing of a plan, in the order of deploying."""

    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    targetId = serializers.CharField(allow_null=True)
    action = serializers.ChoiceField(Action.values)
    changes = ChangeOut(many=True)
    problems = ProblemOut(many=True)
    questions = QuestionOut(many=True)
    warnings = ProblemOut(many=True)


class PlaceOut(serializers.Serializer[Any]):
    """A workspace."""

    id = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()


class PlanOut(serializers.Serializer[Any]):
    """What a deployment would do now."""

    target = PlaceOut()
    ready = serializers.BooleanField()
    digest = serializers.CharField()
    items = PlannedOut(many=True)


class DeployedOut(serializers.Serializer[Any]):
    """One thing of a deployment."""

    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    targetId = serializers.CharField(allow_null=True)
    action = serializers.ChoiceField(Action.values)
    state = serializers.ChoiceField(ItemState.values)
    error = serializers.CharField(allow_blank=True)


class DeploymentOut(serializers.Serializer[Any]):
    """A deployment from or to the key's workspace."""

    id = serializers.CharField()
    source = PlaceOut()  # type: ignore[assignment]  # a field of that name, not the serializer's own
    target = PlaceOut()
    state = serializers.ChoiceField(DeploymentState.values)
    includeSchedule = serializers.BooleanField()
    startedAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)
    items = DeployedOut(many=True)


class LinkIn(serializers.Serializer[Any]):
    """A source or destination of the key's workspace, and what stands for it in the other one."""

    kind = serializers.ChoiceField(["source", "destination"])
    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    targetId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class UnlinkIn(serializers.Serializer[Any]):
    """A source or destination of the key's workspace."""

    kind = serializers.ChoiceField(["source", "destination"])
    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class LinkedOut(serializers.Serializer[Any]):
    """What stands for a thing in another workspace."""

    workspace = PlaceOut()
    id = serializers.CharField()


class LinkOut(serializers.Serializer[Any]):
    """A thing of the key's workspace with what stands for it elsewhere."""

    kind = serializers.CharField()
    id = serializers.CharField()
    linked = LinkedOut(many=True)


class LinkListView(ApiView):
    """What is linked with other workspaces; linking more."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.MEMBER}

    @extend_schema(operation_id="ListLinks", responses={200: list_of(LinkOut), **error_answers()})
    def get(self, request: Request) -> Response:
        """List the linked things of the key's workspace."""
        rows = LinkedThing.objects.filter(workspace=_here(self).workspace)
        query = parse_query(request, ListQuery)
        return list_response(rows, query, lambda page: links_json(list(page), _places(self)))

    @extend_schema(
        operation_id="CreateLink",
        parameters=[TARGET_HEADER],
        request=LinkIn,
        responses={200: LinkOut, **error_answers()},
    )
    def post(self, request: Request) -> Response:
        """Link a source or destination with one of the other workspace; takes the right to create such in both."""
        values = self.body(LinkIn)
        there = _there(request)
        link_things(here=_here(self), kind=values["kind"], pk=values["id"], there=there, other_pk=values["targetId"])
        row = selectors.linked_thing(values["kind"], values["id"])
        return Response(links_json([row] if row else [], _places(self))[0])


class UnlinkView(ApiView):
    """Taking a thing out of its link."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(operation_id="RemoveLink", request=UnlinkIn, responses={200: LinkOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Unlink a source or destination. Nothing that was deployed changes."""
        values = self.body(UnlinkIn)
        linkable_kind(values["kind"])
        unlink_thing(here=_here(self), kind=values["kind"], pk=values["id"])
        return Response({"kind": values["kind"], "id": str(values["id"]), "linked": []})


class PlanView(ApiView):
    """What a deployment would do."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(
        operation_id="PlanDeployment",
        parameters=[TARGET_HEADER],
        request=DeploymentIn,
        responses={200: PlanOut, **error_answers()},
    )
    def post(self, request: Request) -> Response:
        """Compare with the other workspace, and find what is in the way. Changes nothing."""
        values = self.body(DeploymentIn)
        return Response(plan_json(plan_deployment(_here(self), _there(request), _wanted(values))))


class DeploymentListView(ApiView):
    """Deployments from and to the key's workspace; making one."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.MEMBER}

    @extend_schema(operation_id="ListDeployments", responses={200: list_of(DeploymentOut), **error_answers()})
    def get(self, request: Request) -> Response:
        """List deployments."""
        query = parse_query(request, ListQuery)
        rows = selectors.deployments_of(_here(self).workspace)
        return list_response(rows, query, lambda page: deployments_json(list(page), _places(self)))

    @extend_schema(
        operation_id="CreateDeployment",
        parameters=[TARGET_HEADER],
        request=DeploymentIn,
        responses={200: DeploymentOut, **error_answers()},
    )
    def post(self, request: Request) -> Response:
        """Deploy. Each thing is one transaction; ``state`` is ``stopped`` where one failed and the rest was left."""
        values = self.body(DeploymentIn)
        made = deploy(_here(self), _there(request), _wanted(values), digest=values["digest"])
        return Response(deployments_json([made], _places(self))[0])


class DeploymentView(ApiView):
    """One deployment."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="GetDeployment", responses={200: DeploymentOut, **error_answers()})
    def get(self, request: Request, deployment_id: int) -> Response:
        """Get a deployment by its id."""
        found = selectors.deployment_for(_here(self).workspace, deployment_id)
        return Response(deployments_json([found], _places(self))[0])


def plan_json(plan: Plan) -> dict[str, Any]:
    """The wire shape of a plan."""
    return {
        "target": _place_json(plan.target.workspace),
        "ready": plan.ready,
        "digest": plan.digest,
        "items": [_planned_json(planned) for planned in plan.items],
    }


def deployments_json(rows: list[Deployment], places: Mapping[int, Workspace]) -> list[dict[str, Any]]:
    """Several deployments, with their items in one query."""
    items = selectors.items_of(rows)
    return [
        {
            "id": str(row.pk),
            "source": _place_json(places[row.workspace_id]),
            "target": _place_json(places[row.target_id]),
            "state": row.state,
            "includeSchedule": row.with_schedule,
            "startedAt": row.started_at,
            "finishedAt": row.finished_at,
            "items": [_item_json(item) for item in items[row.pk]],
        }
        for row in rows
    ]


def links_json(rows: list[LinkedThing], places: Mapping[int, Workspace]) -> list[dict[str, Any]]:
    """Several linked things of one workspace, with what is linked elsewhere in one query."""
    others = LinkedThing.objects.filter(link__in=[row.link_id for row in rows]).exclude(pk__in=[r.pk for r in rows])
    linked: dict[int, list[LinkedThing]] = {}
    for other in others:
        linked.setdefault(other.link_id, []).append(other)
    return [
        {
            "kind": row.kind,
            "id": str(row.thing_id),
            "linked": [
                {"workspace": _place_json(places[other.workspace_id]), "id": str(other.thing_id)}
                for other in linked.get(row.link_id, ())
            ],
        }
        for row in rows
    ]


def _planned_json(planned: Planned) -> dict[str, Any]:
    outlook = planned.outlook
    changes = field_changes(outlook.before, outlook.after) if outlook.after else []
    return {
        "kind": planned.item.kind,
        "id": str(planned.item.pk),
        "name": planned.thing.name,
        "targetId": str(planned.there.pk) if planned.there else None,
        "action": outlook.action,
        "changes": [{"path": c.name, "before": c.before, "after": c.after} for c in changes],
        "problems": [{"code": p.code, "message": p.message, "hint": p.hint} for p in outlook.problems],
        "questions": [
            {
                "path": q.path,
                "label": q.label,
                "help": q.help,
                "choices": [value for value, _ in q.choices],
                "secret": q.secret,
                "value": q.value,
            }
            for q in outlook.questions
        ],
        "warnings": [{"code": "warning", "message": words, "hint": ""} for words in outlook.warnings],
    }


def _item_json(item: DeploymentItem) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "id": str(item.thing_id),
        "name": item.name,
        "targetId": str(item.target_thing_id) if item.target_thing_id else None,
        "action": item.action,
        "state": item.state,
        "error": item.error,
    }


def _place_json(workspace: Workspace) -> dict[str, str]:
    return {"id": str(workspace.pk), "name": workspace.name, "slug": workspace.slug}


def _wanted(values: Mapping[str, Any]) -> Wanted:
    items = [Item(item["kind"], item["id"]) for item in values["items"]]
    return Wanted(items=items, with_schedule=values["includeSchedule"], answers=values.get("answers") or {})


def _here(view: ApiView) -> Side:
    return Side(view.request._request.workspace, view.actor)  # type: ignore[attr-defined]


def _there(request: Request) -> Side:
    """The other workspace: that of the second key, acting as its owner there."""
    key = key_in(request._request, TARGET)
    if key is None:
        raise Invalid.field(TARGET, "Send a working API key of the other workspace in this header.")
    return Side(key.workspace, for_api_key(key))


def _places(view: ApiView) -> dict[int, Workspace]:
    return selectors.workspaces_by_id(_here(view).workspace.organization_id)
