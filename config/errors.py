"""Errors meant for the person in front of Headrace: what is wrong and what to do next.

Services and access functions raise them; pages show them, the API answers them
in one JSON shape (``code``, ``message``, ``hint``, ``details``). Connector and
engine errors have their own hierarchy, as those layers know nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping


class HeadraceError(Exception):
    """Something a person can understand and act on.

    ``message`` says what is wrong, ``hint`` what to do next; ``code`` is stable
    and documented; ``status`` is the HTTP status both doors answer with.
    """

    code = "error"
    status = 400

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code


class Denied(HeadraceError):
    """The actor may see the thing but not do this to it."""

    code = "denied"
    status = 403


class NotFound(HeadraceError):
    """No such thing in this workspace; also the answer for things of other workspaces."""

    code = "not_found"
    status = 404


class Conflict(HeadraceError):
    """The thing is in a state that does not allow this now."""

    code = "conflict"
    status = 409


class Invalid(HeadraceError):
    """The input is wrong; ``fields`` maps a field's name to what is wrong with it ("" for the whole form)."""

    code = "invalid"
    status = 422

    def __init__(
        self, message: str, *, fields: Mapping[str, str] | None = None, hint: str = "", code: str = ""
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.fields: dict[str, str] = dict(fields or {})

    @classmethod
    def field(cls, name: str, message: str, *, hint: str = "") -> Invalid:
        """One field is wrong."""
        return cls(message, fields={name: message}, hint=hint)
