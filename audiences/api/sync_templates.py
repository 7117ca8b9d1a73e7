"""Endpoints of sync templates: keeping them, sending audiences by them, and the syncs that follow one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.shapes import NamedOut, OfParentQuery, named_json, narrowed
from audiences.models import SyncTemplate
from audiences.selectors.sync_templates import followers_of
from audiences.services import following
from audiences.services import sync_templates as services
from audiences.sync_templates import template_of, whole_of
from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from config.errors import NotFound
from connectors.access import destination_for
from governance.approvals.access import policy_here
from governance.approvals.choices import Way
from governance.audit.actors import Actor
from syncs.access import sync_for
from syncs.api.hold_shapes import GuardrailsShape, guardrails_from, guardrails_json
from syncs.api.mappings import mapping_json
from syncs.api.publication import chosen_way
from syncs.api.schedules import ScheduleShape, schedule_from, schedule_json
from syncs.api.shapes import ConfigurationShape, PublicationShape, SyncOut, proposal_from, syncs_json
from syncs.drafts.state import guardrails_in, proposal_of, schedule_in
from syncs.engine.guardrails import Guardrails
from syncs.models import Sync
from workspaces.permissions import Permission

READ, WRITE, APPLY = Permission.MEMBER, Permission.CONFIGURE_SCHEMA, Permission.CONFIGURE_AUDIENCES
FOLLOW = Permission.DRAFT_TO_DESTINATION


class SyncTemplateQuery(OfParentQuery):
    """Which templates are listed."""

    destinationId = serializers.IntegerField(required=False)


class SyncTemplateUpdate(PublicationShape):
    """What to change of a template; ``publication`` says what becomes of the change on the syncs that follow it.

    A given configuration replaces the whole one, but keeps credentials left out. ``unlocked`` are the parts that each
    sync may have its own way: ``mode``, ``removal``, ``first_run``, ``schedule``, ``guardrails``,
    ``settings.<name>``, ``mappings.<destination field>``, and ``mappings.*`` for further fields. What is unlocked may
    be left out of the configuration, even where it is required: each sync has to say it.
    """

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    configuration = ConfigurationShape(required=False)
    schedule = ScheduleShape(required=False, allow_null=True)
    guardrails = GuardrailsShape(required=False)
    unlocked = serializers.ListField(child=serializers.CharField(max_length=500), required=False)


class SyncTemplateIn(serializers.Serializer[Any]):
    """A new template of audience syncs; ``unlocked`` as when changing one."""

    parentModelId = serializers.IntegerField()
    destinationId = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    configuration = ConfigurationShape()
    schedule = ScheduleShape(required=False, allow_null=True)
    guardrails = GuardrailsShape(required=False)
    unlocked = serializers.ListField(child=serializers.CharField(max_length=500), required=False, default=list)


class FollowerOut(serializers.Serializer[Any]):
    """A sync of a template: in which parts it goes its own way, and in which it is behind the template."""

    syncId = serializers.CharField()
    own = serializers.ListField(child=serializers.CharField())
    behind = serializers.ListField(child=serializers.CharField())
    draft = serializers.BooleanField(help_text="Whether a change of it waits as a draft")


class SyncTemplateOut(NamedOut):
    """A template of audience syncs."""

    parentModelId = serializers.CharField()
    destinationId = serializers.CharField()
    description = serializers.CharField()
    configuration = ConfigurationShape()
    schedule = ScheduleShape(allow_null=True)
    guardrails = GuardrailsShape()
    unlocked = serializers.ListField(child=serializers.CharField())
    leftBlank = serializers.ListField(child=serializers.CharField(), help_text="What each sync has to say by itself")


class ChosenTemplate(serializers.Serializer[Any]):
    """A template to send an audience by; ``configuration`` is the sync's own, within what the template leaves open.

    It has to be given for a template that leaves something blank. ``groupIds`` are those of the audience's experiment
    that the sync is for; without them it sends everybody.
    """

    templateId = serializers.IntegerField()
    configuration = ConfigurationShape(required=False)
    groupIds = serializers.ListField(child=serializers.IntegerField(), required=False, default=list)


class ApplyTemplates(PublicationShape):
    """The templates to send an audience by; each becomes a sync."""

    templates = ChosenTemplate(many=True)


def templates_json(rows: Iterable[SyncTemplate]) -> list[dict[str, Any]]:
    """Several templates."""
    return [
        named_json(
            row,
            parentModelId=str(row.parent_model_id),
            destinationId=str(row.destination_id),
            description=row.description,
            configuration={
                "syncType": row.state["sync_type"],
                "mode": row.state["mode"],
                "removal": row.state["removal"],
                "firstRun": row.state["first_run"],
                "settings": row.state["settings"],
                "mappings": [mapping_json(each) for each in row.state["mappings"]],
            },
            schedule=schedule_json(schedule_in(row.state)),
            guardrails=guardrails_json(Sync(guardrails=row.state["guardrails"])),
            unlocked=row.unlocked,
            leftBlank=row.left_blank,
        )
        for row in rows
    ]


class SyncTemplateListView(ApiView):
    """The sync templates of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListSyncTemplate",
        parameters=[SyncTemplateQuery],
        responses={200: list_of(SyncTemplateOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the sync templates."""
        query = parse_query(request, SyncTemplateQuery)
        rows = narrowed(access.sync_templates_in_view(self.actor), query, destinationId="destination_id")
        return list_response(rows, query, templates_json)

    @extend_schema(
        operation_id="CreateSyncTemplate", request=SyncTemplateIn, responses={200: SyncTemplateOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Add a sync template of a parent model and a destination."""
        values = self.body(SyncTemplateIn)
        made = services.create_sync_template(
            actor=self.actor,
            parent=access.parent_for_templates(self.actor, values["parentModelId"], values["destinationId"]),
            destination=destination_for(self.actor, values["destinationId"]),
            name=values["name"],
            description=values["description"],
            pattern=services.Pattern(
                proposal=proposal_from(values["configuration"]),
                schedule=schedule_from(values.get("schedule")),
                guardrails=guardrails_from(values["guardrails"]) if values.get("guardrails") else Guardrails(),
                unlocked=values["unlocked"],
            ),
        )
        return Response(templates_json([made])[0])


class SyncTemplateView(ApiView):
    """One sync template."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetSyncTemplate", responses={200: SyncTemplateOut, **error_answers()})
    def get(self, request: Request, template_id: int) -> Response:
        """Get a sync template by its id."""
        return Response(templates_json([access.sync_template_for(self.actor, template_id)])[0])

    @extend_schema(
        operation_id="UpdateSyncTemplate",
        request=SyncTemplateUpdate,
        responses={200: SyncTemplateOut, **error_answers()},
    )
    def patch(self, request: Request, template_id: int) -> Response:
        """Change a sync template and with it the syncs that follow it; where one cannot follow, nothing changes."""
        values = self.body(SyncTemplateUpdate)
        template = access.sync_template_for(self.actor, template_id)
        services.update_sync_template(
            actor=self.actor,
            template=template,
            name=values.get("name"),
            description=values.get("description"),
            pattern=_changed(template, values),
            way=way_for(self.actor, values) if template.derived.exists() else Way.NOW,
        )
        return Response(templates_json([access.sync_template_for(self.actor, template_id)])[0])

    @extend_schema(operation_id="DeleteSyncTemplate", responses={204: None, **error_answers()})
    def delete(self, request: Request, template_id: int) -> Response:
        """Delete a sync template that no sync follows."""
        services.delete_sync_template(actor=self.actor, template=access.sync_template_for(self.actor, template_id))
        return Response(status=204)


class FollowersView(ApiView):
    """The syncs that follow a template."""

    permission = {"GET": READ}

    @extend_schema(
        operation_id="ListTemplatedSync",
        parameters=[ListQuery],
        responses={200: list_of(FollowerOut), **error_answers()},
    )
    def get(self, request: Request, template_id: int) -> Response:
        """List the syncs of a template that the caller sees, all at once."""
        found, _ = followers_of(self.actor, access.sync_template_for(self.actor, template_id))
        lines = [
            {"syncId": str(each.sync.pk), "own": each.own, "behind": each.behind, "draft": each.waiting}
            for each in found
        ]
        return Response({"data": lines, "hasMore": False})


class FollowerView(ApiView):
    """One sync that follows a template."""

    permission = {"POST": FOLLOW, "DELETE": FOLLOW}

    @extend_schema(operation_id="FollowSyncTemplate", request=PublicationShape, responses={200: SyncOut})
    def post(self, request: Request, template_id: int, sync_id: int) -> Response:
        """Bring a sync up to date that fell behind its template."""
        sync = self._sync(template_id, sync_id)
        way = way_for(self.actor, self.body(PublicationShape))
        following.follow_template(actor=self.actor, sync=sync, way=way)
        return Response(syncs_json([sync_for(self.actor, sync_id)])[0])

    @extend_schema(operation_id="DetachSync", responses={204: None, **error_answers()})
    def delete(self, request: Request, template_id: int, sync_id: int) -> Response:
        """Let a sync go its own way; refused where the workspace requires templates."""
        following.detach_sync(actor=self.actor, sync=self._sync(template_id, sync_id))
        return Response(status=204)

    def _sync(self, template_id: int, sync_id: int) -> Sync:
        sync = sync_for(self.actor, sync_id)
        link = template_of(sync)
        if link is None or link.template_id != template_id:
            raise NotFound("There is no such sync of this template.")
        return sync


class AudienceTemplatesView(ApiView):
    """Sending an audience by templates."""

    permission = {"POST": APPLY}

    @extend_schema(
        operation_id="ApplySyncTemplates", request=ApplyTemplates, responses={200: list_of(SyncOut), **error_answers()}
    )
    def post(self, request: Request, audience_id: int) -> Response:
        """Add a sync of the audience for each template; where one cannot be made, none is."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(ApplyTemplates)
        chosen = {each["templateId"]: each.get("configuration") for each in values["templates"]}
        made = following.apply_sync_templates(
            actor=self.actor,
            audience=audience,
            templates=[access.sync_template_for(self.actor, pk) for pk in chosen],
            way=way_for(self.actor, values),
            own={pk: proposal_from(own) for pk, own in chosen.items() if own},
            groups={each["templateId"]: each["groupIds"] for each in values["templates"]},
        )
        rows = syncs_json([sync_for(self.actor, sync.pk) for sync in made])
        return Response({"data": rows, "hasMore": False})


def way_for(actor: Actor, values: Mapping[str, Any]) -> Way:
    """What a body's ``publication`` asks for; without it live, unless the workspace asks for approval."""
    asked = values.get("publication") or policy_here().required
    return chosen_way(actor, values) if asked else Way.NOW


def _changed(template: SyncTemplate, values: Mapping[str, Any]) -> services.Pattern | None:
    """What the template decides from now on; nothing where only its name changes."""
    if not values.keys() & {"configuration", "schedule", "guardrails", "unlocked"}:
        return None
    state = template.state
    given = values.get("configuration")
    return services.Pattern(
        proposal=proposal_from(given) if given else proposal_of(whole_of(template)),
        schedule=schedule_from(values["schedule"]) if "schedule" in values else schedule_in(state),
        guardrails=guardrails_from(values["guardrails"]) if "guardrails" in values else guardrails_in(state),
        unlocked=values.get("unlocked", template.unlocked),
    )
