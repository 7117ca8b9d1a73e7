"""REST endpoints for what only the connected system knows: what a setting can be, and which fields there are."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from config.errors import Invalid
from connectors import access, discovery
from connectors.choices import Kind
from connectors.models import Destination
from connectors.sdk.destination import DestinationField, SyncType
from workspaces.permissions import Permission

USE = access.USE[Kind.DESTINATION]


class FieldsBody(serializers.Serializer[Any]):
    """The settings of a sync chosen so far. ``refresh`` asks again instead of remembering for 15 minutes."""

    syncType = serializers.CharField(max_length=60)
    settings = serializers.DictField(required=False, default=dict)
    refresh = serializers.BooleanField(default=False)


class ChoicesBody(FieldsBody):
    """``setting`` is the path of the one to choose: ``object``, or ``section.object`` inside a section."""

    setting = serializers.CharField(max_length=200)


class ChoiceOut(serializers.Serializer[Any]):
    """One thing that a setting can be: ``value`` is what the settings take."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the name on the wire
    description = serializers.CharField()


class ChoicesOut(serializers.Serializer[Any]):
    """``waitsFor`` names what has to be chosen first, as choices depend on it."""

    choices = ChoiceOut(many=True)
    waitsFor = serializers.CharField(allow_null=True)


class FieldOut(serializers.Serializer[Any]):
    """A field to map to. ``modes`` are those in which it can be mapped, all of them where there are none."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # as above
    type = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]  # as above
    identifier = serializers.BooleanField()
    readOnly = serializers.BooleanField()
    description = serializers.CharField()
    modes = serializers.ListField(child=serializers.CharField())


class FieldsOut(serializers.Serializer[Any]):
    """The fields of a destination."""

    fields = FieldOut(many=True)  # type: ignore[assignment]  # the name on the wire; DRF keeps its own apart


def field_json(field: DestinationField) -> dict[str, Any]:
    """The wire shape of a field."""
    return {
        "name": field.name,
        "label": field.label or field.name,
        "type": field.type.value,
        "required": field.required,
        "identifier": field.identifier,
        "readOnly": field.read_only,
        "description": field.description,
        "modes": [str(mode) for mode in field.modes],
    }


def _kind(destination: Destination, key: str) -> SyncType:
    kinds: tuple[SyncType, ...] = access.definition_of(Kind.DESTINATION, destination.type).sync_types
    if found := next((kind for kind in kinds if kind.key == key), None):
        return found
    offered = ", ".join(kind.key for kind in kinds)
    raise Invalid.field("syncType", f"This destination has no sync type “{key}”; choose {offered}.")


class DestinationFieldsView(ApiView):
    """What rows can be mapped to."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(
        operation_id="ListDestinationFields", request=FieldsBody, responses={200: FieldsOut, **error_answers()}
    )
    def post(self, request: Request, destination_id: int) -> Response:
        """Ask the destination which fields rows can be mapped to with these settings."""
        destination = access.destination_for(self.actor, destination_id, USE)
        values = self.body(FieldsBody)
        kind = _kind(destination, values["syncType"])
        found = discovery.destination_fields(destination, kind.key, values["settings"], refresh=values["refresh"])
        return Response({"fields": [field_json(each) for each in found]})


class DestinationChoicesView(ApiView):
    """What a setting of a sync can be."""

    permission = {"POST": Permission.MEMBER}

    @extend_schema(
        operation_id="ListDestinationChoices", request=ChoicesBody, responses={200: ChoicesOut, **error_answers()}
    )
    def post(self, request: Request, destination_id: int) -> Response:
        """Ask the destination what a setting can be; for some, other settings must be chosen first."""
        destination = access.destination_for(self.actor, destination_id, USE)
        values = self.body(ChoicesBody)
        declared = _kind(destination, values["syncType"]).settings
        picker = discovery.picker(declared, values["setting"])
        level = discovery.level(values["settings"], values["setting"])
        found = discovery.choices(destination, picker, level, refresh=values["refresh"])
        choices = [{"value": c.value, "label": c.label, "description": c.description} for c in found]
        return Response({"choices": choices, "waitsFor": discovery.waits_for(declared, picker, level) or None})
