"""Endpoints of notification channels. Credentials go in and never come out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from notifications import access, selectors, services
from notifications.models import Channel
from workspaces.permissions import Permission


class ChannelOut(serializers.Serializer[Any]):
    """A way to tell people: an e-mail list, a Slack channel, PagerDuty, Datadog, a webhook, a phone number."""

    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    configuration = serializers.DictField()
    health = serializers.CharField()
    lastError = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField()


class ChannelIn(serializers.Serializer[Any]):
    """A new channel: its type's own settings, credentials among them, in ``configuration``."""

    type = serializers.CharField()
    name = serializers.CharField(required=False, max_length=120)
    configuration = serializers.DictField()


class ChannelChange(serializers.Serializer[Any]):
    """What to change; settings that are left out stay, credentials too."""

    name = serializers.CharField(required=False, max_length=120)
    configuration = serializers.DictField(required=False)


class ChannelListView(ApiView):
    """The channels of the workspace."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.MANAGE_WORKSPACE}

    @extend_schema(
        operation_id="ListNotificationChannels",
        parameters=[ListQuery],
        responses={200: list_of(ChannelOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """All channels."""
        rows = selectors.channels(self.actor)
        return list_response(rows, parse_query(request, ListQuery), lambda page: [channel_json(c) for c in page])

    @extend_schema(
        operation_id="CreateNotificationChannel", request=ChannelIn, responses={200: ChannelOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """A new channel."""
        body = self.body(ChannelIn)
        made = services.create_channel(
            actor=self.actor, type=body["type"], values=body["configuration"], name=body.get("name", "")
        )
        return Response(channel_json(made))


class ChannelView(ApiView):
    """One channel."""

    permission = {
        "GET": Permission.MEMBER,
        "PATCH": Permission.MANAGE_WORKSPACE,
        "DELETE": Permission.MANAGE_WORKSPACE,
    }

    @extend_schema(operation_id="GetNotificationChannel", responses={200: ChannelOut, **error_answers()})
    def get(self, request: Request, channel_id: int) -> Response:
        """The channel as it is."""
        return Response(channel_json(access.channel_for(self.actor, channel_id)))

    @extend_schema(
        operation_id="UpdateNotificationChannel", request=ChannelChange, responses={200: ChannelOut, **error_answers()}
    )
    def patch(self, request: Request, channel_id: int) -> Response:
        """Change its name or settings."""
        channel = access.channel_for(self.actor, channel_id)
        body = self.body(ChannelChange)
        saved = services.update_channel(
            actor=self.actor, channel=channel, name=body.get("name"), values=body.get("configuration")
        )
        return Response(channel_json(saved))

    @extend_schema(operation_id="DeleteNotificationChannel", responses={204: None, **error_answers()})
    def delete(self, request: Request, channel_id: int) -> Response:
        """Remove it with its credentials."""
        services.delete_channel(actor=self.actor, channel=access.channel_for(self.actor, channel_id))
        return Response(status=204)


def channel_json(channel: Channel) -> dict[str, Any]:
    """The wire shape of a channel; ``config`` never holds a credential."""
    return {
        "id": str(channel.pk),
        "name": channel.name,
        "type": channel.type,
        "configuration": channel.config,
        "health": channel.health,
        "lastError": channel.last_error,
        "createdAt": channel.created_at,
    }
