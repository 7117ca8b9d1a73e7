"""What every log line carries, and what it never does.

Lines know the request's or job's correlation id, the workspace and the run they are
about. Credentials that found their way into a message are taken out.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MASK = "••••"
_about: ContextVar[dict[str, Any] | None] = ContextVar("log_about", default=None)
_CREDENTIALS = (
    (re.compile(r"(://[^/@\s:]{0,200}:)[^/@\s]{1,400}(@)"), rf"\1{MASK}\2"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,4000}"), rf"\1 {MASK}"),
    (re.compile(r"\bhr_[\w-]{8,200}"), MASK),
    (
        re.compile(
            r"(?i)\b(password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)(['\"]?\s*[:=]\s*['\"]?)"
            r"[^\s'\",;&]{1,4000}"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
)
MAX_SCRUBBED = 20_000


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Lines inside the block say what they are about (``run=7``)."""
    token = _about.set({**(_about.get() or {}), **facts})
    try:
        yield
    finally:
        _about.reset(token)


def scrubbed(text: str) -> str:
    """A line without credentials; what is longer than a line should be is cut."""
    text = text if len(text) <= MAX_SCRUBBED else f"{text[:MAX_SCRUBBED]}…"
    for pattern, kept in _CREDENTIALS:
        text = pattern.sub(kept, text)
    return text


class Context(logging.Filter):
    """Puts on each record what is known of the moment, and takes credentials out of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a line."""
        from config.postgres.base import visible_workspaces
        from governance.audit.context import current_correlation_id

        record.correlation_id = current_correlation_id()
        seen = visible_workspaces.get()
        record.workspace = int(seen) if seen.isdigit() else None
        for name, value in (_about.get() or {}).items():
            setattr(record, name, value)
        try:
            record.msg, record.args = scrubbed(record.getMessage()), None
        except (TypeError, ValueError):
            record.args = None  # a mistake in the call: the words alone
        if record.exc_info and not record.exc_text:
            record.exc_text = scrubbed(logging.Formatter().formatException(record.exc_info))
        return True


class Plain(logging.Formatter):
    """For people: level, logger, words, and the correlation id where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The usual line with the id behind it."""
        line = super().format(record)
        found = getattr(record, "correlation_id", "")
        return f"{line} [{found[:8]}]" if found and not record.exc_text else line
