"""REST endpoints of sources and destinations. Credentials go in, never out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, LabelsField, ListQuery, error_answers, list_of, list_response, parse_query
from connectors import access, selectors, services
from connectors.models import Connection, Destination, Source
from governance.audit.actors import Actor
from workspaces.access import in_view
from workspaces.permissions import Permission

PAGE = [ListQuery]


class ConnectionCreate(serializers.Serializer[Any]):
    """A new source or destination. ``configuration`` holds its settings, credentials included."""

    name = serializers.CharField(max_length=services.MAX_NAME)
    slug = serializers.SlugField(max_length=70, required=False, allow_null=True, allow_blank=True)
    type = serializers.CharField(max_length=60)
    configuration = serializers.DictField()


class ConnectionUpdate(serializers.Serializer[Any]):
    """What to change; what is left out stays, credentials too."""

    name = serializers.CharField(max_length=services.MAX_NAME, required=False, allow_null=True)
    configuration = serializers.DictField(required=False, allow_null=True)
    labels = LabelsField(required=False)


class SourceOut(serializers.Serializer[Any]):
    """A source as the API shows it, without credentials."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()
    type = serializers.CharField()
    configuration = serializers.DictField()
    labels = LabelsField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class StopBody(serializers.Serializer[Any]):
    """Why nothing more is to be sent."""

    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=services.MAX_REASON)


class DestinationOut(SourceOut):
    """A destination as the API shows it; ``syncs`` are the ids of the syncs that deliver to it.

    While ``stoppedAt`` is set nothing is sent to it.
    """

    stoppedAt = serializers.DateTimeField(allow_null=True)
    stopReason = serializers.CharField(allow_null=True)
    syncs = serializers.ListField(child=serializers.CharField())


def source_json(source: Connection) -> dict[str, Any]:
    """The wire shape of a source."""
    return {
        "id": str(source.pk),
        "workspaceId": str(source.workspace_id),
        "name": source.name,
        "slug": source.slug,
        "type": source.type,
        "configuration": source.config,
        "labels": source.labels,
        "createdAt": source.created_at,
        "updatedAt": source.updated_at,
    }


def destination_json(destination: Destination, syncs: Iterable[int]) -> dict[str, Any]:
    """The wire shape of a destination with the ids of its syncs."""
    stopped = {"stoppedAt": destination.stopped_at, "stopReason": destination.stop_reason or None}
    return {**source_json(destination), **stopped, "syncs": [str(pk) for pk in syncs]}


def sources_json(sources: Iterable[Source]) -> list[dict[str, Any]]:
    """Several sources."""
    return [source_json(source) for source in sources]


def destinations_json(actor: Actor, destinations: Iterable[Destination]) -> list[dict[str, Any]]:
    """Several destinations, with their syncs in one query."""
    rows = list(destinations)
    syncs = sync_ids_of(actor, rows)
    return [destination_json(row, syncs[row.pk]) for row in rows]


def sync_ids_of(actor: Actor, destinations: Iterable[Destination]) -> Mapping[int, list[int]]:
    """Ids of the syncs of each destination that the actor sees, through the reverse key that the syncs app adds."""
    found: dict[int, list[int]] = defaultdict(list)
    syncs: Any = Destination._meta.get_field("syncs").related_model
    rows = in_view(syncs.objects.filter(destination__in=[row.pk for row in destinations]), actor)
    for destination_id, sync_id in rows.order_by("pk").values_list("destination_id", "pk"):
        found[destination_id].append(sync_id)
    return found


def _filtered(rows: Any, query: Mapping[str, Any]) -> Any:
    for name in ("name", "slug"):
        if query.get(name):
            rows = rows.filter(**{name: query[name]})
    return rows


class SourceListView(ApiView):
    """All sources of the workspace; adding one."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.CREATE_SOURCE}

    @extend_schema(operation_id="ListSource", parameters=PAGE, responses={200: list_of(SourceOut), **error_answers()})
    def get(self, request: Request) -> Response:
        """List the sources of the API key's workspace."""
        query = parse_query(request, ListQuery)
        return list_response(_filtered(selectors.sources(), query), query, sources_json)

    @extend_schema(operation_id="CreateSource", request=ConnectionCreate, responses={200: SourceOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a source."""
        values = self.body(ConnectionCreate)
        source = services.create_source(
            actor=self.actor,
            type=values["type"],
            values=values["configuration"],
            name=values["name"],
            slug=values.get("slug") or "",
        )
        return Response(source_json(source))


class SourceView(ApiView):
    """One source."""

    permission = {"GET": Permission.MEMBER, "PATCH": Permission.MANAGE_SOURCE, "DELETE": Permission.MANAGE_SOURCE}

    @extend_schema(operation_id="GetSource", responses={200: SourceOut, **error_answers()})
    def get(self, request: Request, source_id: int) -> Response:
        """Get a source by its id."""
        return Response(source_json(access.source_for(self.actor, source_id)))

    @extend_schema(operation_id="UpdateSource", request=ConnectionUpdate, responses={200: SourceOut, **error_answers()})
    def patch(self, request: Request, source_id: int) -> Response:
        """Change a source's name or settings."""
        values = self.body(ConnectionUpdate)
        source = access.source_for(self.actor, source_id, Permission.MANAGE_SOURCE)
        source = services.update_source(
            actor=self.actor, source=source, name=values.get("name"), values=values.get("configuration")
        )
        if "labels" in values:
            sent = values["labels"]
            gone = set(source.labels) - set(sent)
            source = services.label_source(actor=self.actor, source=source, add=sent, remove=gone)
        return Response(source_json(source))

    @extend_schema(operation_id="DeleteSource", responses={204: None, **error_answers()})
    def delete(self, request: Request, source_id: int) -> Response:
        """Remove a source with its credentials; refused while anything is built on it."""
        services.delete_source(actor=self.actor, source=access.source_for(self.actor, source_id))
        return Response(status=204)


class DestinationListView(ApiView):
    """All destinations of the workspace; adding one."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.CREATE_DESTINATION}

    @extend_schema(
        operation_id="ListDestination",
        parameters=PAGE,
        responses={200: list_of(DestinationOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the destinations of the API key's workspace."""
        query = parse_query(request, ListQuery)
        return list_response(_filtered(selectors.destinations(), query), query, partial(destinations_json, self.actor))

    @extend_schema(
        operation_id="CreateDestination", request=ConnectionCreate, responses={200: DestinationOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Create a destination."""
        values = self.body(ConnectionCreate)
        destination = services.create_destination(
            actor=self.actor,
            type=values["type"],
            values=values["configuration"],
            name=values["name"],
            slug=values.get("slug") or "",
        )
        return Response(destination_json(destination, []))


class DestinationView(ApiView):
    """One destination."""

    permission = {
        "GET": Permission.MEMBER,
        "PATCH": Permission.MANAGE_DESTINATION,
        "DELETE": Permission.MANAGE_DESTINATION,
    }

    @extend_schema(operation_id="GetDestination", responses={200: DestinationOut, **error_answers()})
    def get(self, request: Request, destination_id: int) -> Response:
        """Get a destination by its id."""
        return Response(destinations_json(self.actor, [access.destination_for(self.actor, destination_id)])[0])

    @extend_schema(
        operation_id="UpdateDestination", request=ConnectionUpdate, responses={200: DestinationOut, **error_answers()}
    )
    def patch(self, request: Request, destination_id: int) -> Response:
        """Change a destination's name or settings."""
        values = self.body(ConnectionUpdate)
        destination = access.destination_for(self.actor, destination_id, Permission.MANAGE_DESTINATION)
        destination = services.update_destination(
            actor=self.actor, destination=destination, name=values.get("name"), values=values.get("configuration")
        )
        if "labels" in values:
            sent = values["labels"]
            gone = set(destination.labels) - set(sent)
            destination = services.label_destination(actor=self.actor, destination=destination, add=sent, remove=gone)
        return Response(destinations_json(self.actor, [destination])[0])

    @extend_schema(operation_id="DeleteDestination", responses={204: None, **error_answers()})
    def delete(self, request: Request, destination_id: int) -> Response:
        """Remove a destination with its credentials; refused while anything is built on it."""
        row = access.destination_for(self.actor, destination_id)
        services.delete_destination(actor=self.actor, destination=row)
        return Response(status=204)


class StopDestinationView(ApiView):
    """The kill switch of a destination."""

    permission = {"POST": Permission.MANAGE_DESTINATION}

    @extend_schema(operation_id="StopDestination", request=StopBody, responses={200: DestinationOut, **error_answers()})
    def post(self, request: Request, destination_id: int) -> Response:
        """Send nothing more to it: running syncs end before their next batch, and no run starts."""
        values = self.body(StopBody)
        row = access.destination_for(self.actor, destination_id)
        row = services.stop_destination(actor=self.actor, destination=row, reason=values["reason"])
        return Response(destinations_json(self.actor, [row])[0])


class ReleaseDestinationView(ApiView):
    """The other way round."""

    permission = {"POST": Permission.MANAGE_DESTINATION}

    @extend_schema(operation_id="ReleaseDestination", request=None, responses={200: DestinationOut, **error_answers()})
    def post(self, request: Request, destination_id: int) -> Response:
        """Let syncs send to it again; those whose time came meanwhile run once."""
        row = access.destination_for(self.actor, destination_id)
        row = services.release_destination(actor=self.actor, destination=row)
        return Response(destinations_json(self.actor, [row])[0])
