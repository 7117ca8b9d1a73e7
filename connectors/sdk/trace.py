"""Requests and responses of a run, for the debugger.

The outbound door and database destinations call :func:`record`; whoever drives
a delivery collects with :func:`recording`. Secrets are redacted before a record
is made.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from connectors.sdk.scoped import Scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call to another system and its answer.

    ``method`` is an HTTP method or a database verb ("COPY", "UPSERT"), ``target`` the
    URL or table; ``status`` is ``None`` when there was no answer. Bodies are text,
    trimmed to what the debugger keeps; ``duration_ms`` is wall time.
    """

    started_at: datetime
    duration_ms: float
    method: str
    target: str
    status: int | None
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""
    error: str = ""
    attempt: int = field(default=1)


_withheld: ContextVar[bool] = ContextVar("withheld", default=False)
_sink: ContextVar[list[Exchange] | None] = ContextVar("exchanges", default=None)


def record(exchange: Exchange) -> None:
    """Hand an exchange to whoever is recording; nothing happens where nobody is."""
    if (sink := _sink.get()) is not None:
        sink.append(exchange)


def wanted() -> bool:
    """Whether somebody records: lets hot paths skip building bodies."""
    return _sink.get() is not None


def recording() -> Scoped[list[Exchange]]:
    """Collect every exchange made inside, also by tasks started inside."""
    return Scoped(_sink, [])


def withheld() -> bool:
    """Whether requests are only shown: the outbound door records them, redacted as ever, and sends none."""
    return _withheld.get()


def withholding() -> Scoped[bool]:
    """Inside, nothing leaves through the outbound door, also not from tasks started inside."""
    return Scoped(_withheld, True)
