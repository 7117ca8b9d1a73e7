"""Requests as people read them: with what the answer usually means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from connectors.access import definition_of
from connectors.choices import Kind
from connectors.models import Destination
from syncs.engine.exchanges import KeptExchange

# What template engines and languages write where a value is missing.
_MISSING = frozenset({"undefined", "null", "None", "NaN"})
_STATUS_HELP = {
    400: "The destination found the data invalid. Compare the values with what its documentation asks for.",
    401: "The destination did not accept the credentials. Check them on the destination's page.",
    403: "The credentials are known, but lack a right for this. Widen it in the destination.",
    404: "There is nothing at this address, or the record is gone. Check the endpoint and the ids in it.",
    409: "The record is in another state than the request expects; often somebody changed it meanwhile.",
    413: "The request was too large. Send fewer rows in a batch.",
    422: "The destination understood the request and refused its values. Its words say which.",
    429: "Too many requests. Headrace waits and tries again; lower the rate if it happens often.",
}
_CLASS_HELP = {
    2: "The destination accepted the request.",
    3: "The address has moved. Headrace does not follow: set the new address on the destination.",
    4: "The destination refused the request. Its words say why.",
    5: "The destination has a problem of its own. Headrace tries again; its status page may tell of an outage.",
}


@dataclass(frozen=True, slots=True)
class ShownExchange:
    """A request with what its status means, and whether its address lacks a value.

    ``outages`` is where the vendor tells of its own trouble, if this may be such.
    """

    kept: KeptExchange
    help: str
    lacks_value: bool
    outages: str


def shown_exchanges(exchanges: Iterable[KeptExchange], destination: Destination) -> list[ShownExchange]:
    """Requests to a destination for a page."""
    page = definition_of(Kind.DESTINATION, destination.type).status_page
    return [
        ShownExchange(kept, status_help(kept.status), lacks_value(kept.target), page if is_outage(kept) else "")
        for kept in exchanges
    ]


def is_outage(kept: KeptExchange) -> bool:
    """Whether the other side may be in trouble: it said so, or did not answer at all."""
    return kept.status >= 500 if kept.status is not None else kept.failed


def status_help(status: int | None) -> str:
    """What an HTTP status usually means, and what to do."""
    if status is None:
        return ""
    return _STATUS_HELP.get(status) or _CLASS_HELP.get(status // 100, "")


def lacks_value(target: str) -> bool:
    """Whether a web address looks as if a template had no value for one of its parts."""
    address = urlsplit(target)
    if not address.netloc:
        return False
    *inner, last = address.path.split("/")[1:] or [""]
    values = [value for _, value in parse_qsl(address.query, keep_blank_values=True)]
    return "" in inner or not _MISSING.isdisjoint({*inner, last, *values})
