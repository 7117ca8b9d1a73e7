"""What goes wrong, and the exit status that says so."""

from __future__ import annotations

from enum import IntEnum

import click


class Exit(IntEnum):
    """Exit statuses; the guide lists them, and scripts rely on them."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    REJECTED_ROWS = 3
    NOT_SIGNED_IN = 4
    USAGE = 64
    INTERRUPTED = 130


class CliError(click.ClickException):
    """A message for the person, and what to do next."""

    exit_code = Exit.ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def format_message(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class NotSignedIn(CliError):
    """No key, or one that the server does not take."""

    exit_code = Exit.NOT_SIGNED_IN


class ApiError(CliError):
    """The server refused. ``code`` is its own word for why."""

    def __init__(self, status: int, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint)
        self.status, self.code = status, code
