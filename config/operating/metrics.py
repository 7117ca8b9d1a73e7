"""Metrics in Prometheus' text format: what the database knows at this moment, and this process's own requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

import dramatiq
from django.db.models import Count, Min, Sum
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from config.operating.alive import living
from workspaces.scoping import unscoped

WINDOW = timedelta(hours=1)
ROWS = [f"{result}_{kind}" for result in ("succeeded", "rejected") for kind in ("added", "changed", "removed")]

registry = CollectorRegistry()
requests = Histogram(
    "headrace_http_request_seconds",
    "Time to answer requests, by the kind of route and the class of the status.",
    ["route", "status"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=registry,
)


class MetricsMiddleware:
    """Times every request of this process."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        # Namespaces, not addresses: their number is known, and they hold no one's ids.
        route = (match.namespace or match.url_name or "other") if match else "none"
        requests.labels(route, f"{response.status_code // 100}xx").observe(perf_counter() - started)
        return response


def text() -> bytes:
    """The whole page."""
    return generate_latest(registry)


class Collector:
    """Asks the database and Redis when Prometheus does."""

    def describe(self) -> list[Metric]:
        """Nothing is asked at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric of the installation as a whole."""
        with unscoped("metrics are of the installation, without anything that tells workspaces apart"):
            yield _build()
            yield from _runs()
            yield from _work()
        yield _processes()


def _build() -> Metric:
    try:
        release = version("headrace")
    except PackageNotFoundError:
        release = "source"
    return _gauge("headrace_build_info", "The running version.", ["version"], {(release,): 1})


def _runs() -> Iterator[Metric]:
    from syncs.models import Run

    live = Run.objects.filter(finished_at__isnull=True).order_by().values_list("status").annotate(Count("pk"))
    yield _gauge("headrace_runs_live", "Runs under way, by status.", ["status"], {(s,): n for s, n in live})
    ended = Run.objects.filter(finished_at__gte=timezone.now() - WINDOW).order_by()
    counts = ended.values_list("status").annotate(Count("pk"))
    yield _gauge(
        "headrace_runs_ended_last_hour", "Runs that ended within the hour.", ["status"], {(s,): n for s, n in counts}
    )
    sums = ended.aggregate(**{name: Sum(name, default=0) for name in ROWS})
    yield _gauge(
        "headrace_rows_last_hour",
        "Rows of the runs that ended within the hour.",
        ["result", "operation"],
        {tuple(name.split("_")): number for name, number in sums.items()},
    )


def _work() -> Iterator[Metric]:
    from notifications.choices import DeliveryState
    from notifications.models import Notification
    from syncs.choices import StepState
    from syncs.models import RunStep, Sync

    waiting = RunStep.objects.filter(state=StepState.WAITING, available_at__lte=Now(), run__finished_at__isnull=True)
    found = list(waiting.order_by().values_list("kind").annotate(Count("pk"), Min("available_at")))
    yield _gauge(
        "headrace_steps_waiting", "Stages of runs that a worker may take.", ["kind"], {(k,): n for k, n, _ in found}
    )
    oldest = min((since for _, _, since in found), default=None)
    seconds = (timezone.now() - oldest).total_seconds() if oldest else 0
    yield _gauge("headrace_steps_oldest_seconds", "How long the oldest of them has waited.", [], {(): max(0, seconds)})
    due = Sync.objects.filter(next_run_at__lt=timezone.now(), paused=False).count()
    yield _gauge("headrace_syncs_due", "Syncs whose time has come and that have not started.", [], {(): due})
    letters = Notification.objects.filter(state__in=[DeliveryState.WAITING, DeliveryState.SENDING]).count()
    yield _gauge("headrace_notifications_waiting", "Messages to people that have not left.", [], {(): letters})
    broker: Any = dramatiq.get_broker()
    depth = {(name,): int(broker.client.llen(f"{broker.namespace}:{name}")) for name in broker.get_declared_queues()}
    yield _gauge("headrace_queue_messages", "Messages that wait in Redis.", ["queue"], depth)


def _processes() -> Metric:
    known = living()
    return _gauge(
        "headrace_processes",
        "Workers and schedulers that were heard of lately.",
        ["role"],
        {(role,): known[role] for role in ("worker", "scheduler")},
    )


def _gauge(name: str, about: str, labels: list[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family


registry.register(Collector())
