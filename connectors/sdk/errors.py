"""What can go wrong between Headrace and another system, and what happens next.

Connectors raise only these. Each has a stable ``code``, a message in the other
side's own words where there are any, and a ``hint`` that tells the person what
to do.
"""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.query_hints import hint_for


class ConnectorError(Exception):
    """Base of all: ``message`` is shown to people, ``hint`` says what to do next."""

    code: ClassVar[str] = "connector_error"
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class ConfigError(ConnectorError):
    """The settings cannot work; ``field`` names the one to change."""

    code = "config_invalid"

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class AuthError(ConnectorError):
    """The other side refused the credentials or the permission: the run stops."""

    code = "auth_failed"
    default_hint = "Replace the credentials, then test the connection again."


class QueryError(ConnectorError):
    """The source refused the query; ``position`` is the offset in the SQL where known.

    Where the source gives no hint of its own, one is found for its words.
    """

    code = "query_failed"

    def __init__(self, message: str, *, position: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint or hint_for(message))
        self.position = position


class Gone(ConnectorError):
    """The table, list, object or bucket a sync writes to no longer exists: the run stops."""

    code = "destination_gone"


class Unavailable(ConnectorError):
    """No usable answer (5xx, time-out, refused): try again later.

    ``in_doubt`` is true when the request may have been carried out all the same.
    """

    code = "unavailable"
    default_hint = "Nothing to change here: rows that are due are sent again by the next run."

    def __init__(self, message: str, *, in_doubt: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.in_doubt = in_doubt


class RateLimited(Unavailable):
    """Too many requests; ``after`` is how many seconds the other side asks us to wait."""

    code = "rate_limited"

    def __init__(self, message: str, *, after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.after = after


class BatchRejected(ConnectorError):
    """The whole batch was refused as one, and no row of it was applied.

    Where the sync type offers split-retry, the engine halves the batch to find
    the rows that are at fault; otherwise every row is rejected with this message.
    """

    code = "batch_rejected"


class InternalError(ConnectorError):
    """The other side answered what its documentation does not say; carries a trimmed sample."""

    code = "unexpected_answer"
