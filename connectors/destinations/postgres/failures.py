"""PostgreSQL's errors as typed ones."""

from __future__ import annotations

import re

import psycopg

from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, ConnectorError, Gone, Unavailable

# SQLSTATE classes (https://www.postgresql.org/docs/current/errcodes-appendix.html)
_UNAVAILABLE = ("08", "25", "40", "53", "55", "57", "58", "XX")
_AUTH = ("28", "42501")
_PREFIX = re.compile(
    r'^(?:connection failed: )?connection to server at "[^"]*"(?: \([^)]*\))?, port \d+ failed: (?:FATAL: +)?'
)
_GONE = ("3D", "3F", "42P01", "42703")


def typed(error: psycopg.Error, *, committing: bool = False) -> ConnectorError:
    """What an error of a statement means. ``committing``: it came while the transaction was being committed."""
    state = error.sqlstate or ""
    message = words(error)
    if state.startswith(_AUTH):
        return AuthError(message, hint="Grant the user the right to read and change this table.")
    if state.startswith(_GONE):
        return Gone(message, hint="The table or column was dropped or renamed. Open the sync and choose again.")
    if state == "57014":
        return Unavailable(message, hint="Raise the statement time-out or make batches smaller.")
    if state.startswith(_UNAVAILABLE):
        return Unavailable(message)
    if not state:
        # No SQLSTATE: the connection broke. Only a commit may have been carried out all the same.
        return Unavailable(f"The connection was lost: {message}", in_doubt=committing)
    return BatchRejected(message)


def concerns_rows(error: psycopg.Error) -> bool:
    """Whether an error is about values in the batch, so that trying each row by itself helps."""
    return isinstance(typed(error), BatchRejected)


def refused_connection(error: psycopg.Error, host: str) -> ConnectorError:
    """Why no connection came about. The library has only words for it, no codes."""
    message = words(error)
    lowered = message.lower()
    if "does not exist" in lowered and "database" in lowered:
        return ConfigError(message, field="database", hint="Check the name of the database.")
    if any(part in lowered for part in ("authentication failed", "no password supplied", "pg_hba.conf", "role ")):
        return AuthError(message)
    if "ssl" in lowered or "certificate" in lowered:
        return ConfigError(message, field="sslmode", hint="Choose another encryption setting, or upload the CA.")
    return Unavailable(f"No connection to {host}: {message}", hint="Check host and port, and that the server is up.")


def words(error: psycopg.Error) -> str:
    """The server's message with its detail, without the noise of positions and prefixes."""
    diagnostic = error.diag
    if diagnostic.message_primary:
        return with_detail(diagnostic.message_primary, diagnostic.message_detail)
    text = " ".join(str(error).split())
    return _PREFIX.sub("", text) or type(error).__name__


def with_detail(message: str, detail: str | None) -> str:
    """A message and its detail, unless that lists the whole row's values."""
    if not detail or detail.startswith("Failing row contains"):
        return message
    return f"{message} {detail}"
