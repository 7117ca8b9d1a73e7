"""Endpoints of webhooks. Addresses and secrets go in; a secret comes out once, when it is made."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from notifications import access, selectors, services
from notifications.models import Webhook, WebhookDelivery
from workspaces.permissions import Permission

MANAGE = Permission.MANAGE_WORKSPACE


class WebhookOut(serializers.Serializer[Any]):
    """A webhook; ``secret`` is there only in the answer that made it."""

    id = serializers.CharField()
    name = serializers.CharField()
    url = serializers.CharField(help_text="With its path hidden.")
    events = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField()
    disabledReason = serializers.CharField(allow_blank=True)
    health = serializers.CharField()
    lastError = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField()
    secret = serializers.CharField(required=False)


class WebhookIn(serializers.Serializer[Any]):
    """A new webhook. ``events`` are types or patterns such as ``run.*`` and ``audit.sync.updated``."""

    name = serializers.CharField(max_length=120)
    url = serializers.CharField(max_length=2_000)
    events = serializers.ListField(child=serializers.CharField(max_length=120), max_length=50)


class WebhookChange(serializers.Serializer[Any]):
    """What to change."""

    name = serializers.CharField(max_length=120, required=False)
    url = serializers.CharField(max_length=2_000, required=False)
    events = serializers.ListField(child=serializers.CharField(max_length=120), max_length=50, required=False)
    enabled = serializers.BooleanField(required=False)


class WebhookDeliveryOut(serializers.Serializer[Any]):
    """One event for one webhook, and what came of the latest attempt."""

    id = serializers.CharField()
    messageId = serializers.CharField()
    type = serializers.CharField()
    state = serializers.CharField()
    attempts = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    body = serializers.JSONField()
    responseBody = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)


class WebhookListView(ApiView):
    """The webhooks of the workspace."""

    permission = {"GET": MANAGE, "POST": MANAGE}

    @extend_schema(
        operation_id="ListWebhooks", parameters=[ListQuery], responses={200: list_of(WebhookOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """All webhooks."""
        rows = selectors.webhooks(self.actor)
        return list_response(rows, parse_query(request, ListQuery), lambda page: [webhook_json(w) for w in page])

    @extend_schema(operation_id="CreateWebhook", request=WebhookIn, responses={200: WebhookOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """A new webhook, with its signing secret."""
        made = services.create_webhook(actor=self.actor, **self.body(WebhookIn))
        return Response({**webhook_json(made.webhook), "secret": made.secret})


class WebhookView(ApiView):
    """One webhook."""

    permission = {"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="GetWebhook", responses={200: WebhookOut, **error_answers()})
    def get(self, request: Request, webhook_id: int) -> Response:
        """A webhook."""
        return Response(webhook_json(access.webhook_for(self.actor, webhook_id)))

    @extend_schema(operation_id="UpdateWebhook", request=WebhookChange, responses={200: WebhookOut, **error_answers()})
    def patch(self, request: Request, webhook_id: int) -> Response:
        """Change a webhook, or switch it off or on."""
        webhook = access.webhook_for(self.actor, webhook_id)
        changed = services.update_webhook(actor=self.actor, webhook=webhook, **self.body(WebhookChange))
        return Response(webhook_json(changed))

    @extend_schema(operation_id="DeleteWebhook", responses={204: None, **error_answers()})
    def delete(self, request: Request, webhook_id: int) -> Response:
        """Remove a webhook with its deliveries."""
        services.delete_webhook(actor=self.actor, webhook=access.webhook_for(self.actor, webhook_id))
        return Response(status=204)


class WebhookSecretView(ApiView):
    """A webhook's signing secret."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="ReplaceWebhookSecret", request=None, responses={200: WebhookOut, **error_answers()})
    def post(self, request: Request, webhook_id: int) -> Response:
        """A new secret; the old one signs too for a day."""
        made = services.replace_secret(actor=self.actor, webhook=access.webhook_for(self.actor, webhook_id))
        return Response({**webhook_json(made.webhook), "secret": made.secret})


class WebhookTestView(ApiView):
    """A test of a webhook."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="TestWebhook", request=None, responses={200: WebhookDeliveryOut, **error_answers()})
    def post(self, request: Request, webhook_id: int) -> Response:
        """Send a test event."""
        sent = services.test_webhook(actor=self.actor, webhook=access.webhook_for(self.actor, webhook_id))
        return Response(delivery_json(sent))


class WebhookDeliveriesView(ApiView):
    """What was and is to be sent to a webhook."""

    permission = {"GET": MANAGE}

    @extend_schema(
        operation_id="ListWebhookDeliveries",
        parameters=[ListQuery],
        responses={200: list_of(WebhookDeliveryOut), **error_answers()},
    )
    def get(self, request: Request, webhook_id: int) -> Response:
        """The deliveries of a webhook."""
        rows = selectors.deliveries_of_webhook(access.webhook_for(self.actor, webhook_id))
        return list_response(rows, parse_query(request, ListQuery), lambda page: [delivery_json(d) for d in page])


class WebhookRedeliverView(ApiView):
    """Another try of a delivery."""

    permission = {"POST": MANAGE}

    @extend_schema(
        operation_id="RedeliverWebhook", request=None, responses={200: WebhookDeliveryOut, **error_answers()}
    )
    def post(self, request: Request, delivery_id: int) -> Response:
        """Post the event once more, under the same id."""
        delivery = access.webhook_delivery_for(self.actor, delivery_id)
        again = services.redeliver_webhook(actor=self.actor, delivery=delivery)
        again.refresh_from_db()
        return Response(delivery_json(again))


def webhook_json(webhook: Webhook) -> dict[str, Any]:
    """A webhook as the API shows it."""
    return {
        "id": str(webhook.pk),
        "name": webhook.name,
        "url": webhook.shown_url,
        "events": webhook.events,
        "enabled": webhook.enabled,
        "disabledReason": webhook.disabled_reason,
        "health": webhook.health,
        "lastError": webhook.last_error,
        "createdAt": webhook.created_at,
    }


def delivery_json(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery as the API shows it."""
    return {
        "id": str(delivery.pk),
        "messageId": delivery.message_id,
        "type": delivery.type,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "error": delivery.error,
        "body": delivery.body,
        "responseBody": delivery.response_body,
        "createdAt": delivery.created_at,
        "finishedAt": delivery.finished_at,
    }
