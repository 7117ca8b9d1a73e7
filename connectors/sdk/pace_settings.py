"""What a person sets about the speed of requests that they design, and what happens to those that fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import Limits, Rate
from connectors.sdk.fields import Field, Number, Select, When
from connectors.sdk.types import Choice

WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
# Requests stay this far below the rate that was set, as clocks on both sides differ.
_MARGIN = 0.95
_RATE, _CONCURRENCY = 1000, 100


def pace_settings(*, rate: int = _RATE, concurrency: int = _CONCURRENCY) -> tuple[Field, ...]:
    """Rate, requests at once, time-out and what to do about failures."""
    return (
        Number(
            name="rate",
            label="Rate limit",
            help="At most this many requests in each window. Headrace stays a little below it.",
            default=rate,
            minimum=1,
            maximum=100_000,
            unit="requests",
            group="Limits",
        ),
        Select(
            name="rate_window",
            label="Window",
            default="second",
            choices=tuple(Choice(w, f"per {w}") for w in WINDOWS),
            group="Limits",
        ),
        Number(
            name="concurrency",
            label="Requests at once",
            default=concurrency,
            minimum=1,
            maximum=500,
            group="Limits",
        ),
        Number(
            name="timeout",
            label="Time-out",
            help="How long to wait for each answer. A request without an answer counts as failed.",
            default=30,
            minimum=1,
            maximum=600,
            unit="seconds",
            group="Errors",
        ),
        Select(
            name="on_error",
            label="When a request fails",
            style="cards",
            default="retry",
            choices=(
                Choice("retry", "Try again at once", "Then leave it to the next runs, until it succeeds."),
                Choice("next_run", "Wait for the next run", "Every run tries again what failed before."),
            ),
            group="Errors",
        ),
        Number(
            name="retries",
            label="Retries in a run",
            default=4,
            minimum=1,
            maximum=20,
            when=When(field="on_error", values=("retry",)),
            group="Errors",
        ),
    )


def paced(settings: Mapping[str, Any], batch_rows: int) -> Limits:
    """The limits that such settings ask for."""
    per_window = int(settings.get("rate") or _RATE)
    retried = settings.get("on_error", "retry") == "retry"
    window = WINDOWS[settings.get("rate_window") or "second"]
    return Limits(
        batch_rows=batch_rows,
        concurrency=int(settings.get("concurrency") or _CONCURRENCY),
        rates=(Rate(requests=max(1, int(per_window * _MARGIN)), seconds=window),),
        attempts=1 + int(settings.get("retries") or 4) if retried else 1,
        timeout_s=float(settings.get("timeout") or 30),
    )
