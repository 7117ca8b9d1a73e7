"""MySQL's errors as typed ones."""

from __future__ import annotations

import pymysql

from connectors.sdk.errors import AuthError, BatchRejected, ConnectorError, Gone, Unavailable

# https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
_AUTH = frozenset({1044, 1045, 1142, 1143, 1227, 1370})
_GONE = frozenset({1049, 1051, 1054, 1146})
_LOST = frozenset({1053, 1927, 2006, 2013})
_UNAVAILABLE = frozenset({1021, 1040, 1114, 1205, 1213, 1290, 1317, 1836, 1969, 2014, 3024, 3572})
_NO_FILES = frozenset({1148, 3948, 2068})


def typed(error: pymysql.Error, *, committing: bool = False) -> ConnectorError:
    """What an error of a statement means. ``committing``: it came while the transaction was being committed."""
    number, message = _number(error), words(error)
    if number in _NO_FILES:
        hint = "Switch local_infile on at the server, or choose the other way of loading in the sync's settings."
        return AuthError(message, hint=hint)
    if number in _AUTH:
        return AuthError(message, hint="Grant this user SELECT, INSERT, UPDATE and DELETE on the table.")
    if number in _GONE:
        return Gone(message, hint="The table or column was dropped or renamed. Open the sync and choose again.")
    if number in _UNAVAILABLE:
        return Unavailable(message)
    if number in _LOST or isinstance(error, pymysql.InterfaceError) or not number:
        # Only a commit may have been carried out all the same.
        return Unavailable(f"The connection was lost: {message}", in_doubt=committing)
    return BatchRejected(message)


def concerns_rows(error: pymysql.Error) -> bool:
    """Whether an error is about values in the batch, so that trying each row by itself helps."""
    return isinstance(typed(error), BatchRejected)


def words(error: pymysql.Error) -> str:
    """The server's message."""
    return str(error.args[1]) if len(error.args) > 1 else str(error)


def _number(error: pymysql.Error) -> int:
    return int(error.args[0]) if error.args and isinstance(error.args[0], int) else 0
