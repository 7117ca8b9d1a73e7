"""Services with error codes of their own inside answers, also inside those that say 200."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sdk.errors import BatchRejected, ConnectorError, InternalError
from connectors.sdk.net import Response

_UNKNOWN = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCodes:
    """A service's table of errors.

    ``find`` reads the code out of an answer (``None``: there is none). ``fine`` are codes of
    success, ``meanings`` what others mean. A code in neither means what the status says, and
    ``otherwise`` where the status is a success. ``stale`` are codes by which a token is
    refused, of services that do not say so by their status. ``always``: the service puts its
    verdict into every answer, so that one without it, or an empty one, is no success.
    """

    find: Callable[[Any], Any]
    meanings: Mapping[Any, Callable[[str], ConnectorError]] = field(default_factory=dict)
    fine: Collection[Any] = (None,)
    otherwise: Callable[[str], ConnectorError] = BatchRejected
    stale: Collection[Any] = ()
    always: bool = False

    def error(self, response: Response, message: str) -> ConnectorError | None:
        """The error that the code in an answer stands for; ``None`` where the status alone decides."""
        code = self._code(response)
        if code is _UNKNOWN:
            return self._unsaid(response) if self.always and response.ok else None
        if code in self.fine:
            return None
        if meaning := self.meanings.get(code):
            return meaning(message)
        return self.otherwise(message) if response.ok else None

    def stales(self, response: Response) -> bool:
        """Whether an answer refuses the token."""
        return bool(self.stale) and self._code(response) in self.stale

    def _unsaid(self, response: Response) -> ConnectorError:
        told = response.sample() or "it is empty"
        return InternalError(f"{response.status}: the answer does not say whether the request was carried out: {told}")

    def _code(self, response: Response) -> Any:
        try:
            return self.find(response.json())
        except (InternalError, LookupError, TypeError, AttributeError):
            return _UNKNOWN
