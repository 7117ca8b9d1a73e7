"""Endpoints of models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers, list_of, list_response, parse_query
from connectors.access import source_for
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from governance.approvals.selectors import drafts_of
from governance.audit.actors import Actor
from syncs import access, services
from syncs.api.publication import ask_for_approval, chosen_way
from syncs.api.shapes import QUERY_TYPES, ModelCreate, ModelOut, ModelQuery, ModelUpdate, definition_from, model_json
from syncs.choices import PendingReset
from syncs.drafts import MODEL
from syncs.models import Model
from syncs.services.models import KeyChange
from workspaces.access import folder_for
from workspaces.folders import within
from workspaces.permissions import Permission

KEY_CHANGES = {"backfill": PendingReset.RESYNC, "skip": PendingReset.RESET}
DRAFT = Permission.DRAFT_FROM_SOURCE


def models_json(actor: Actor, models: Iterable[Model]) -> list[dict[str, Any]]:
    """Several models, with their syncs in one query."""
    rows = list(models)
    syncs: Mapping[int, list[int]] = defaultdict(list)
    pairs = access.syncs_in_view(actor).filter(model__in=rows).order_by("pk").values_list("model_id", "pk")
    for model_id, sync_id in pairs:
        syncs[model_id].append(sync_id)
    drafts = drafts_of(MODEL, [model.pk for model in rows])
    return [
        model_json(model, syncs[model.pk], str(drafts[model.pk].pk) if model.pk in drafts else None) for model in rows
    ]


class ModelListView(ApiView):
    """All models of the workspace; adding one."""

    permission = {"GET": Permission.MEMBER, "POST": DRAFT}

    @extend_schema(
        operation_id="ListModel", parameters=[ModelQuery], responses={200: list_of(ModelOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the models of the API key's workspace."""
        query = parse_query(request, ModelQuery)
        rows = access.models_in_view(self.actor)
        for name in ("name", "slug"):
            if query.get(name):
                rows = rows.filter(**{name: query[name]})
        if query.get("folderId") is not None:
            rows = rows.filter(folder__in=within(query["folderId"]))
        return list_response(rows, query, partial(models_json, self.actor))

    @extend_schema(operation_id="CreateModel", request=ModelCreate, responses={200: ModelOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a model; the source is asked for its columns."""
        values = self.body(ModelCreate)
        way = chosen_way(self.actor, values)
        model = services.create_model(
            published=way is Way.NOW,
            actor=self.actor,
            source=source_for(self.actor, values["sourceId"]),
            name=values["name"],
            slug=values.get("slug") or "",
            description=values["description"],
            definition=definition_from(values, values["queryType"]),
            primary_key=values["primaryKey"],
            folder=folder_for(values["folderId"]) if values.get("folderId") is not None else None,
        )
        ask_for_approval(self.actor, open_draft(MODEL, model.pk), way)
        return Response(models_json(self.actor, [model])[0])


class ModelView(ApiView):
    """One model."""

    permission = {"GET": Permission.MEMBER, "PATCH": DRAFT, "DELETE": DRAFT}

    @extend_schema(operation_id="GetModel", responses={200: ModelOut, **error_answers()})
    def get(self, request: Request, model_id: int) -> Response:
        """Get a model by its id."""
        return Response(models_json(self.actor, [access.model_for(self.actor, model_id)])[0])

    @extend_schema(operation_id="UpdateModel", request=ModelUpdate, responses={200: ModelOut, **error_answers()})
    def patch(self, request: Request, model_id: int) -> Response:
        """Change a model's name, query or key."""
        values = self.body(ModelUpdate)
        wire = next((t for t in QUERY_TYPES if values.get("raw" if t == "raw_sql" else "table")), None)
        chosen = values.get("primaryKeyChange")
        model = access.defined_model_for(self.actor, model_id)
        change = services.ModelChange(
            definition=definition_from(values, wire) if wire else None,
            primary_key=values.get("primaryKey"),
            key_change=KeyChange(reset=KEY_CHANGES[chosen]) if chosen else None,
        )
        if change != services.ModelChange():
            way, open_one = chosen_way(self.actor, values), open_draft(MODEL, model.pk)
            draft = services.change_model(
                actor=self.actor, model=model, change=change, way=way, revision=open_one.revision if open_one else None
            )
            ask_for_approval(self.actor, draft, way)
        if values.get("name") is not None or values.get("description") is not None:
            named = {name: values[name] for name in ("name", "description") if values.get(name) is not None}
            services.update_model(actor=self.actor, model=model, **named)
        if "tags" in values:
            tags = values["tags"]
            services.label_model(actor=self.actor, model=model, add=tags, remove=set(model.labels) - set(tags))
        if "folderId" in values:
            folder = None if values["folderId"] is None else folder_for(values["folderId"])
            services.move_model(actor=self.actor, model=model, folder=folder)
        return Response(models_json(self.actor, [access.model_for(self.actor, model_id)])[0])

    @extend_schema(operation_id="DeleteModel", responses={204: None, **error_answers()})
    def delete(self, request: Request, model_id: int) -> Response:
        """Delete a model that no sync uses."""
        services.delete_model(actor=self.actor, model=access.defined_model_for(self.actor, model_id))
        return Response(status=204)
