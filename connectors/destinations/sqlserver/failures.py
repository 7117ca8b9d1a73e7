"""SQL Server's errors as typed ones."""

from __future__ import annotations

import pytds

from connectors.sdk.errors import AuthError, BatchRejected, ConnectorError, Gone, QueryError, Unavailable
from connectors.sdk.tds import number_and_words

# https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
_AUTH = frozenset({229, 230, 262, 297, 300, 916, 1088})
_GONE = frozenset({207, 208, 213, 4902, 4701, 3701})
_UNAVAILABLE = frozenset(
    {701, 802, 1105, 1204, 1205, 1222, 3960, 3906, 9002, 10928, 10929, 40197, 40501, 40544, 40549, 40550, 40551, 40613}
)


def typed(error: Exception, *, in_doubt: bool = False) -> ConnectorError:
    """What an error of a statement means. ``in_doubt``: it may have been carried out all the same."""
    if isinstance(error, QueryError):  # the statement was stopped
        hint = "Raise the statement time-out of the sync, or make its batches smaller."
        return Unavailable(error.message, in_doubt=in_doubt, hint=hint)
    if isinstance(error, ConnectorError):
        return error
    number, message = number_and_words(error)
    if number in _AUTH:
        return AuthError(message, hint="Grant this user SELECT, INSERT, UPDATE and DELETE on the table.")
    if number in _GONE:
        return Gone(message, hint="The table or column was dropped or renamed. Open the sync and choose again.")
    if number in _UNAVAILABLE:
        return Unavailable(message)
    if not number or not isinstance(error, pytds.DatabaseError):
        return Unavailable(f"The connection was lost: {message}", in_doubt=in_doubt)
    return BatchRejected(message)


def concerns_rows(error: Exception) -> bool:
    """Whether an error is about values in the batch, so that trying each row by itself helps."""
    return isinstance(typed(error), BatchRejected)
