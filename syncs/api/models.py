"""Endpoints of models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from connectors.access import source_for
from syncs import access, services
from syncs.api.shapes import QUERY_TYPES, ModelCreate, ModelOut, ModelUpdate, definition_from, model_json
from syncs.choices import PendingReset
from syncs.models import Model, Sync
from syncs.services.models import KeyChange
from workspaces.permissions import Permission

KEY_CHANGES = {"backfill": PendingReset.RESYNC, "skip": PendingReset.RESET}
PERMISSION = {"GET": Permission.MEMBER, "POST": Permission.DRAFT_FROM_SOURCE, "PATCH": Permission.DRAFT_FROM_SOURCE}


def models_json(models: Iterable[Model]) -> list[dict[str, Any]]:
    """Several models, with their syncs in one query."""
    rows = list(models)
    syncs: Mapping[int, list[int]] = defaultdict(list)
    pairs = Sync.objects.filter(model__in=rows).order_by("pk").values_list("model_id", "pk")
    for model_id, sync_id in pairs:
        syncs[model_id].append(sync_id)
    return [model_json(model, syncs[model.pk]) for model in rows]


class ModelListView(ApiView):
    """All models of the workspace; adding one."""

    permission = {name: PERMISSION[name] for name in ("GET", "POST")}

    @extend_schema(
        operation_id="ListModel", parameters=[ListQuery], responses={200: list_of(ModelOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the models of the API key's workspace."""
        query = parse_query(request, ListQuery)
        rows = Model.objects.all()
        for name in ("name", "slug"):
            if query.get(name):
                rows = rows.filter(**{name: query[name]})
        return list_response(rows, query, models_json)

    @extend_schema(operation_id="CreateModel", request=ModelCreate, responses={200: ModelOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a model; the source is asked for its columns."""
        values = self.body(ModelCreate)
        model = services.create_model(
            actor=self.actor,
            source=source_for(self.actor, values["sourceId"]),
            name=values["name"],
            slug=values.get("slug") or "",
            description=values["description"],
            definition=definition_from(values, values["queryType"]),
            primary_key=values["primaryKey"],
        )
        return Response(model_json(model, []))


class ModelView(ApiView):
    """One model."""

    permission = {name: PERMISSION[name] for name in ("GET", "PATCH")}

    @extend_schema(operation_id="GetModel", responses={200: ModelOut, **error_answers()})
    def get(self, request: Request, model_id: int) -> Response:
        """Get a model by its id."""
        return Response(models_json([access.model_for(self.actor, model_id)])[0])

    @extend_schema(operation_id="UpdateModel", request=ModelUpdate, responses={200: ModelOut, **error_answers()})
    def patch(self, request: Request, model_id: int) -> Response:
        """Change a model's name, query or key."""
        values = self.body(ModelUpdate)
        wire = next((t for t in QUERY_TYPES if values.get("raw" if t == "raw_sql" else "table")), None)
        chosen = values.get("primaryKeyChange")
        model = services.update_model(
            actor=self.actor,
            model=access.model_for(self.actor, model_id),
            name=values.get("name"),
            description=values.get("description"),
            definition=definition_from(values, wire) if wire else None,
            primary_key=values.get("primaryKey"),
            key_change=KeyChange(reset=KEY_CHANGES[chosen]) if chosen else None,
        )
        return Response(models_json([model])[0])
