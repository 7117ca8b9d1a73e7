"""What an HTTP status means for a delivery. Connectors override entries where a system is odd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from connectors.sdk.errors import (
    AuthError,
    BatchRejected,
    ConfigError,
    ConnectorError,
    Gone,
    InternalError,
    RateLimited,
    Unavailable,
)
from connectors.sdk.net.message import Response

MAX_RETRY_AFTER_S = 900.0
_MESSAGE_KEYS = ("message", "error_description", "error_message", "detail", "error", "title", "errors", "reason")

ErrorMaker = Callable[[Response, str], ConnectorError]


def error_for(
    response: Response, overrides: Mapping[int, ErrorMaker] | None = None, *, now: datetime | None = None
) -> ConnectorError | None:
    """The error that an answer stands for, or ``None`` where the request was carried out."""
    if response.ok and response.status not in (overrides or {}):
        return None
    message = f"{response.status}: {words(response)}"
    if overrides and (maker := overrides.get(response.status)):
        return maker(response, message)
    return _default(response, message, now)


def _default(response: Response, message: str, now: datetime | None) -> ConnectorError:
    status = response.status
    if 300 <= status < 400:
        target = response.headers.get("location", "another address")
        return ConfigError(
            f"{status}: the address redirects to {target}.", hint="Redirects are not followed: use the final address."
        )
    if status in (401, 403, 407):
        return AuthError(message)
    if status in (404, 410):
        return Gone(message, hint="Check the address: nothing answers there any more.")
    if status == 429:
        return RateLimited(message, after=retry_after(response, now))
    if status == 503 and "retry-after" in response.headers:
        return RateLimited(message, after=retry_after(response, now))
    if status in (408, 425) or status >= 500:
        # A gateway that gave up waiting does not know whether the request was carried out.
        return Unavailable(message, in_doubt=status in (408, 500, 502, 504))
    if 400 <= status < 500:
        return BatchRejected(message)
    return InternalError(message, hint="The address does not speak HTTP as expected.")


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """Seconds that ``Retry-After`` asks to wait, given as a number or a date; at most 15 minutes."""
    raw = response.headers.get("retry-after", "").strip()
    if not raw:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        try:
            moment = parsedate_to_datetime(raw)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    if seconds != seconds:  # NaN
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def words(response: Response) -> str:
    """What the other side said: the message in a JSON answer, or the start of the body."""
    try:
        found = _message(orjson.loads(response.body), depth=0)
    except orjson.JSONDecodeError:
        found = ""
    return found or response.sample() or "no explanation was given"


def _message(value: object, depth: int) -> str:
    if isinstance(value, str):
        return value[:500]
    if depth > 3:
        return ""
    if isinstance(value, list) and value:
        return _message(value[0], depth + 1)
    if isinstance(value, dict):
        for key in _MESSAGE_KEYS:
            if found := _message(value.get(key), depth + 1):
                return found
    return ""
