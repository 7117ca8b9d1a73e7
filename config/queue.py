"""The one door through which work reaches Dramatiq: after commit, with its workspace and correlation id.

Messages carry ids only. The database is the truth: a message that is lost is
sent again by the reconcile loop, one that arrives twice finds nothing to do.
"""

from __future__ import annotations

import threading
from typing import Any

import dramatiq
import redis
from django.conf import settings
from django.db import transaction
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Callbacks, Pipelines, Retries, ShutdownNotifications, TimeLimit

from governance.audit.context import correlate, correlation_id

CORRELATION_KEY = "correlation_id"
# Set when this worker process has been asked to end: long jobs look at it between
# batches, leave what is left to the next worker, and return.
stopping = threading.Event()


class CorrelationMiddleware(dramatiq.Middleware):
    """Carries the correlation id of the request that enqueued a job into the job."""

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        context = correlate(message.options.get(CORRELATION_KEY))
        context.__enter__()
        message.options["_correlation"] = context

    def after_process_message(
        self, broker: dramatiq.Broker, message: dramatiq.MessageProxy, *, result: Any = None, exception: Any = None
    ) -> None:
        if context := message.options.pop("_correlation", None):
            context.__exit__(None, None, None)

    after_skip_message = after_process_message


def queue_pool(url: str, database: int) -> redis.ConnectionPool:
    """Connections to the queue's own database, whatever database the address names."""
    pool = redis.ConnectionPool.from_url(url)
    pool.connection_kwargs["db"] = database
    return pool


def make_broker() -> RedisBroker:
    """Redis with the timings our recovery promises need.

    A killed worker's messages are back after ``heartbeat_timeout`` ms, since every
    fetch does the maintenance (a chance of 1,000,000 in 1,000,000).
    """
    return RedisBroker(  # type: ignore[no-untyped-call]  # Dramatiq leaves its arguments untyped
        client=redis.Redis(connection_pool=queue_pool(settings.REDIS_URL, settings.QUEUE_REDIS_DB)),
        heartbeat_timeout=10_000,
        maintenance_chance=1_000_000,
        middleware=[
            AgeLimit(),
            TimeLimit(time_limit=24 * 3600 * 1000),
            # An actor may opt in; by default work ends at its own next safe point (see `stopping`).
            ShutdownNotifications(notify_shutdown=False),
            Callbacks(),
            Pipelines(),
            Retries(max_retries=0),
            CorrelationMiddleware(),
        ],
    )


def enqueue(actor: dramatiq.Actor[Any, Any], *ids: int) -> None:
    """Send a job once the running transaction commits; nothing leaves on rollback.

    A queue that cannot be reached costs a log line: what was committed stands, and is sent later.
    """
    options: dict[str, Any] = {CORRELATION_KEY: correlation_id()}
    transaction.on_commit(lambda: actor.send_with_options(args=ids, **options), robust=True)
