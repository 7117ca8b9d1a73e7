"""Posts one event to one webhook."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

import orjson
from django.utils import timezone

from config.errors import HeadraceError
from connectors.access import environment
from connectors.sdk.errors import ConnectorError, RateLimited
from connectors.sdk.net import Client, Request, Response
from connectors.secrets import decrypt
from notifications.models import WebhookDelivery
from notifications.services import webhook_outbox as outbox
from notifications.services.webhook_outbox import Attempt
from notifications.signing import signature_headers

logger = logging.getLogger(__name__)

TIMEOUT_S = 15.0
GONE = 410
_SHOWN_CHARS = 4_000


def deliver_event(delivery_id: int) -> None:
    """Post an event, if it is due and free; whatever comes of it is kept with the delivery."""
    held = outbox.claim_delivery(delivery_id)
    if held is None:
        return
    attempt = Attempt()
    try:
        attempt, error = _post(held.delivery)
    except (ConnectorError, HeadraceError) as problem:
        outbox.failed(held, attempt, problem.message, problem.hint, after=None, gone=False)
    except Exception as problem:
        logger.exception("webhook delivery %s could not be sent", delivery_id)
        words = f"{type(problem).__name__}: it could not be sent."
        outbox.failed(held, attempt, words, "The worker's log has the details.", after=None, gone=False)
    else:
        if error is None:
            outbox.delivered(held, attempt)
            return
        after = error.after if isinstance(error, RateLimited) else None
        outbox.failed(held, attempt, error.message, error.hint, after=after, gone=attempt.status == GONE)


def _post(delivery: WebhookDelivery) -> tuple[Attempt, ConnectorError | None]:
    kept = decrypt(delivery.webhook.secret_config)
    signing = [kept["secret"]]
    until = delivery.webhook.old_secret_until
    if kept.get("old_secret") and until and until > timezone.now():
        signing.append(kept["old_secret"])
    body = orjson.dumps(delivery.body)
    headers = {
        "Content-Type": "application/json",
        **signature_headers(signing, delivery.message_id, int(time.time()), body),
    }
    begun = time.perf_counter()
    response, error = asyncio.run(_exchange(Request("POST", kept["url"], headers, body, TIMEOUT_S), kept))
    attempt = Attempt(
        status=response.status,
        took_ms=int((time.perf_counter() - begun) * 1000),
        request_headers={name: value for name, value in headers.items() if name != "webhook-signature"},
        response_headers=dict(list(response.headers.items())[:50]),
        response_body=response.text[:_SHOWN_CHARS].replace("\x00", ""),
    )
    return attempt, error


async def _exchange(request: Request, kept: Mapping[str, str]) -> tuple[Response, ConnectorError | None]:
    async with Client(environment(), secrets=list(kept.values()), connections=1) as client:
        response = await client.send(request)
        if response.ok:
            return response, None
        error = client.error_for(response)
        return response, error or ConnectorError(f"The address answered {response.status}.")
