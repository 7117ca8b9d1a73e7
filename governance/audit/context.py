"""The correlation id that ties together all audit entries and logs of one request or job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


def correlation_id() -> str:
    """The current request's or job's id; a new one where none was started."""
    return _correlation_id.get() or uuid4().hex


def current_correlation_id() -> str:
    """The current request's or job's id; nothing outside both."""
    return _correlation_id.get()


@contextmanager
def correlate(value: str | None = None) -> Iterator[str]:
    """Run the body under one correlation id: the given one, or a new one."""
    token = _correlation_id.set(value or uuid4().hex)
    try:
        yield _correlation_id.get()
    finally:
        _correlation_id.reset(token)
